#include "topology.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "millrace/millrace.h"
#include "millrace/runtime/logging.h"

namespace millrace::chaos {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimerStep{100};
constexpr milliseconds kStallStep{20};
constexpr int64_t kGroups = 7;
constexpr size_t kOversize = size_t{3} << 20;

/// The numbers of a value; those that are missing or no numbers are -1.
std::vector<int64_t> Numbers(const std::string& text) {
  std::vector<int64_t> numbers;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    int64_t number = -1;
    if (!absl::SimpleAtoi(word, &number)) number = -1;
    numbers.push_back(number);
  }
  numbers.resize(std::max<size_t>(numbers.size(), 5), -1);
  return numbers;
}

bool Exists(const std::string& file) {
  struct stat ignored {};
  return !file.empty() && stat(file.c_str(), &ignored) == 0;
}

void StallWhile(const std::string& file) {
  if (!Exists(file)) return;
  LogInfo("stalls", {.event = "chaos-stall"});
  while (Exists(file)) std::this_thread::sleep_for(kStallStep);
  LogInfo("goes on", {.event = "chaos-stall"});
}

/// count, sum, least, greatest, last id.
std::string AddToStats(const std::string& value, const std::string& stats) {
  const std::vector<int64_t> record = Numbers(value);
  const int64_t id = record[0];
  const int64_t amount = record[1];
  if (stats.empty()) return absl::StrCat("1 ", amount, " ", amount, " ", amount, " ", id);
  const std::vector<int64_t> s = Numbers(stats);
  return absl::StrCat(s[0] + 1, " ", s[1] + amount, " ", std::min(s[2], amount), " ", std::max(s[3], amount), " ", id);
}

std::string AddToGroup(const std::string& value, const std::string& group) {
  const int64_t amount = Numbers(value)[1];
  if (group.empty()) return absl::StrCat("1 ", amount);
  const std::vector<int64_t> g = Numbers(group);
  return absl::StrCat(g[0] + 1, " ", g[1] + amount);
}

constexpr char kSequences[] = "sequences";
constexpr char kTimers[] = "timers";

/// Forwards for each record its place within its key.
class Sequencer : public Processor<std::string, std::string> {
 public:
  void Init(ProcessorContext<std::string, std::string>& context) override {
    Processor::Init(context);
    counts_ = context.GetStateStore<KeyValueStore<std::string, std::string>>(kSequences);
  }
  void Process(const Record<std::string, std::string>& record) override {
    const std::string* before = counts_->Get(*record.key);
    const int64_t place = before == nullptr ? 1 : Numbers(*before)[0] + 1;
    counts_->Put(*record.key, absl::StrCat(place));
    const std::string out = absl::StrCat(Numbers(*record.value)[0], " ", place);
    context().Forward(record.WithValue(&out));
  }

 private:
  KeyValueStore<std::string, std::string>* counts_ = nullptr;
};

/// Forwards "<due> <now>" once for each key, when its time has come. What has fired stays in the store as 0.
class Timer : public Processor<std::string, std::string> {
 public:
  explicit Timer(int64_t wait_ms) : wait_ms_(wait_ms) {}
  void Init(ProcessorContext<std::string, std::string>& context) override {
    Processor::Init(context);
    due_ = context.GetStateStore<KeyValueStore<std::string, std::string>>(kTimers);
    context.Schedule(kTimerStep, PunctuationType::kWallClockTime, [this](Timestamp now) { Fire(now); });
  }
  void Process(const Record<std::string, std::string>& record) override {
    if (due_->Get(*record.key) != nullptr) return;
    due_->Put(*record.key, absl::StrCat(record.timestamp.millis() + wait_ms_));
  }

 private:
  void Fire(Timestamp now) {
    std::vector<std::string> fired;
    for (auto entries = due_->All(); entries->Valid(); entries->Next()) {
      const int64_t due = Numbers(entries->value())[0];
      if (due == 0 || due > now.millis()) continue;
      const std::string key = entries->key();
      const std::string out = absl::StrCat(due, " ", now.millis());
      fired.push_back(key);
      context().Forward({&key, &out, now});
    }
    for (const std::string& key : fired) due_->Put(key, "0");
  }

  const int64_t wait_ms_;
  KeyValueStore<std::string, std::string>* due_ = nullptr;
};

}  // namespace

absl::StatusOr<Topology> ChaosTopology(const TopologySettings& settings) {
  const std::string& prefix = settings.prefix;
  StreamsBuilder builder;
  StoreOptions store;
  store.name = kSequences;
  builder.AddStateStore(KeyValueStoreBuilder<std::string, std::string>(store));
  store.name = kTimers;
  builder.AddStateStore(KeyValueStoreBuilder<std::string, std::string>(store));

  const auto in = builder.Stream<std::string, std::string>(prefix + "in");
  in.MapValues([oversize = settings.oversize](const std::string& value) {
      if (oversize && Numbers(value)[1] == kOversizedAmount) return value + std::string(kOversize, 'x');
      return value;
    }).To(prefix + "echo");
  // Behind the first output: its transaction is open.
  const auto ids = in.MapValues([stall = settings.stall_file](const std::string& value) {
    StallWhile(stall);
    return absl::StrCat(Numbers(value)[0]);
  });
  ids.To(prefix + "left");
  ids.To(prefix + "right");
  const auto nothing = [] { return std::string(); };
  in.GroupByKey().Aggregate(nothing, AddToStats, Materialized::As("stats")).ToStream().To(prefix + "stats");
  in.SelectKey([](const std::string& value) { return absl::StrCat("group", Numbers(value)[1] % kGroups); })
      .GroupByKey()
      .Aggregate(nothing, AddToGroup, Materialized::As("groups"))
      .ToStream()
      .To(prefix + "groups");
  in.Process([] { return std::make_unique<Sequencer>(); }, {kSequences}).To(prefix + "sequences");
  in.Process([wait = settings.timer_ms] { return std::make_unique<Timer>(wait); }, {kTimers}).To(prefix + "timers");
  return builder.Build();
}

}  // namespace millrace::chaos
