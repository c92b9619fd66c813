#include "world.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "application.h"
#include "instance.h"
#include "log/embedded/embedded_log.h"
#include "model.h"
#include "sim_host.h"

namespace millrace::simulation {
namespace {

using namespace std::chrono_literals;

constexpr auto kSettleTime = 90s;  // in which all must have come right afterwards
constexpr auto kStopTime = 60s;    // for a clean end
constexpr auto kSimulatedLimit = 15min;

/// What a seed tries, drawn from it.
struct Plan {
  bool exactly_once = true;
  int instances = 2;
  int threads = 1;
  bool caching = false;
  int commit_interval_ms = 100;
  bool static_members = false;
  int orders = 60;
  std::chrono::milliseconds session{3000};
  double intensity = 1;  // of all faults
  bool zombies = true;
  bool refusals = false;
  std::chrono::seconds trouble{20};  // in which things go wrong

  explicit Plan(Random* random) {
    exactly_once = random->Chance(0.7);
    instances = static_cast<int>(random->Between(1, 3));
    threads = static_cast<int>(random->Between(1, 2));
    caching = random->Chance(0.4);
    constexpr int kIntervals[] = {20, 100, 500, 2000};
    commit_interval_ms = kIntervals[random->Below(4)];
    static_members = random->Chance(0.25);
    orders = static_cast<int>(random->Between(10, 80));
    session = std::chrono::milliseconds(random->Between(1000, 6000));
    constexpr double kIntensities[] = {0, 0.3, 1, 1, 3};
    intensity = kIntensities[random->Below(5)];
    trouble = std::chrono::seconds(random->Between(5, 40));
    zombies = exactly_once || random->Chance(0.4);
    refusals = intensity > 0 && random->Chance(0.5);
  }

  [[nodiscard]] FaultRates rates() const {
    FaultRates rates;
    rates.crash = 0.0005 * intensity;
    rates.pause = zombies ? 0.0005 * intensity : 0;
    rates.commit_crash = 0.004 * intensity;
    rates.commit_pause = zombies ? 0.004 * intensity : 0;
    rates.slow_answer = 0.006 * intensity;
    rates.commit_error = 0.02 * intensity;
    rates.produce_error = 0.003 * intensity;
    rates.producer_error = 0.03 * intensity;
    rates.query_error = 0.002 * intensity;
    rates.change_error = 0.03 * intensity;
    rates.assign_error = 0.004 * intensity;
    rates.group_error = 0.001 * intensity;
    rates.fetch_delay = 0.001 * intensity;
    rates.fetch_error = 0.0005 * intensity;
    rates.leave_error = 0.1 * intensity;
    rates.damage = 0.05 * intensity;
    return rates;
  }

  [[nodiscard]] std::map<std::string, std::string> properties() const {
    return {{"application.id", kApplication},
            {"bootstrap.servers", "simulated:0"},
            {"state.dir", "/state"},
            {"memory.max.bytes", "268435456"},
            {"processing.guarantee", exactly_once ? "exactly_once_v2" : "at_least_once"},
            {"num.stream.threads", absl::StrCat(threads)},
            {"statestore.cache.max.bytes", caching ? "1048576" : "0"},
            {"commit.interval.ms", absl::StrCat(commit_interval_ms)},
            {"repartition.purge.interval.ms", "1000"}};
  }

  [[nodiscard]] std::string ToString() const {
    return absl::StrCat(exactly_once ? "exactly-once" : "at-least-once", ", ", trouble.count(), " s of faults, ", instances,
                        " instances x ", threads, " threads, ", caching ? "caching" : "no cache", ", commit ", commit_interval_ms,
                        " ms, session ", session.count(), " ms, ", static_members ? "static members, " : "", orders,
                        " orders, faults x ", intensity, zombies ? "" : ", no zombies", refusals ? ", refused records" : "");
  }
};

class World {
 public:
  World(uint64_t seed, void (*done)(const Result&))
      : done_(done),
        scheduler_(seed),
        plan_(&scheduler_.random()),
        host_(&scheduler_, scheduler_.NewProcess("log"), nullptr),
        log_(host_, {plan_.session, 10s}),
        model_(&log_, &scheduler_.random(), plan_.orders) {
    around_.scheduler = &scheduler_;
    around_.log = &log_;
    around_.network = scheduler_.NewProcess("network");
    around_.properties = plan_.properties();
    around_.static_members = plan_.static_members;
    around_.trouble.refusals = plan_.refusals;
    around_.trouble.late_records = plan_.zombies;
    scheduler_.SetLimit(scheduler_.now() + kSimulatedLimit, [this](const std::string& why) {
      problems_.push_back(absl::StrCat("stuck: ", why, "; threads:\n", scheduler_.Describe()));
      End();
    });
  }

  [[noreturn]] void Run() {
    model_.CreateTopics();
    for (int i = 0; i < plan_.instances; ++i) {
      instances_.push_back(std::make_unique<Instance>(&around_, i + 1));
      instances_.back()->start_at = scheduler_.now() + std::chrono::milliseconds(scheduler_.random().Between(0, 3000));
    }
    MakeTrouble();
    Heal();
    Settle();
    CompareStateWithChangelogs();
    End();
  }

 private:
  [[noreturn]] void End() {
    Result result;
    result.problems = problems_;
    result.steps = scheduler_.steps();
    result.simulated_ms = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler_.now() - begin_).count();
    result.trace = scheduler_.trace();
    result.plan = plan_.ToString();
    result.counts = trouble().counts;
    done_(result);
    std::abort();
  }

  [[nodiscard]] Trouble& trouble() { return around_.trouble; }
  [[nodiscard]] const Trouble& trouble() const { return around_.trouble; }
  void Count(Event event) { CountFault(&trouble(), FaultCounts::KindOf(event)); }

  [[nodiscard]] Promise promise() const {
    const bool no_zombie = trouble().counts.times(Event::kExpired) == 0 && !trouble().records_came_late;
    return {plan_.exactly_once, !plan_.caching, no_zombie, plan_.refusals};
  }

  // Members whose process does not run are dropped from the group, as a broker does that hears nothing of them.
  void WatchSessions() {
    for (const auto& instance : instances_) {
      for (const auto& life : instance->lives()) {
        std::erase_if(life->faults->ghosts, [&](const Ghost& ghost) {
          if (scheduler_.now() - ghost.since <= plan_.session) return false;
          (void)log_.ExpireMember(kApplication, ghost.membership->member_id());
          return true;
        });
        if (life->faults->membership == nullptr) continue;
        const bool beats = !life->gone() && life->process->paused_until <= scheduler_.now();
        if (beats) {
          life->last_heartbeat = scheduler_.now();
        } else if (scheduler_.now() - life->last_heartbeat > plan_.session) {
          Expire(life.get());
        }
      }
    }
  }

  void Expire(Life* life) {
    life->last_heartbeat = scheduler_.now();
    const absl::Status status = log_.ExpireMember(kApplication, life->faults->membership->member_id());
    if (life->gone()) {
      life->faults->membership = nullptr;
    } else if (status.ok()) {
      Count(Event::kExpired);
    }
  }

  // A supervisor: what died or failed comes back after a while.
  void Restart() {
    for (const auto& instance : instances_) {
      Life* const life = instance->life();
      if (life != nullptr && !life->gone()) continue;
      if (!instance->crash_noticed) {
        instance->crash_noticed = true;
        instance->start_at = scheduler_.now() + std::chrono::milliseconds(scheduler_.random().Between(0, healed_ ? 100 : 6000));
        if (life->process->dead) {
          const CrashLosses losses = instance->disk().Crash(trouble().rates.damage);
          if (losses.batches > 0) Count(Event::kUnsyncedLost);
          if (losses.damaged_stores > 0) Count(Event::kStoreDamaged);
          if (scheduler_.random().Chance(trouble().rates.damage)) {
            Count(Event::kDiskLost);
            instance->disk().Lose();
          }
        } else if (!life->error.ok()) {
          Count(Event::kInstanceFailed);
          if (healed_) problems_.push_back(absl::StrCat("failed without a fault: ", life->error.ToString()));
        }
      }
      if (instance->start_at <= scheduler_.now()) instance->Start();
    }
  }

  void Tick(std::chrono::milliseconds longest) {
    scheduler_.Sleep(std::chrono::milliseconds(scheduler_.random().Between(1, longest.count())));
    WatchSessions();
    Restart();
  }

  void MakeTrouble() {
    trouble().rates = plan_.rates();
    const Nanoseconds end = scheduler_.now() + plan_.trouble;
    Nanoseconds next_write = scheduler_.now();
    Nanoseconds next_fault = scheduler_.now() + 1s;
    while (scheduler_.now() < end || !model_.all_written()) {
      Tick(200ms);
      if (scheduler_.now() >= next_write) {
        model_.WriteSome();
        next_write = scheduler_.now() + std::chrono::milliseconds(scheduler_.random().Between(0, 400));
      }
      if (plan_.intensity > 0 && scheduler_.now() >= next_fault) {
        Harm();
        next_fault = scheduler_.now() +
                     std::chrono::milliseconds(scheduler_.random().Between(100, static_cast<int64_t>(6000 / plan_.intensity)));
      }
      // Outputs can be wrong only for a while, before the transaction's end.
      if (scheduler_.random().Chance(0.02)) Check(/*complete=*/false);
    }
  }

  void Harm() {
    Random& random = scheduler_.random();
    Instance& instance = *instances_[random.Below(instances_.size())];
    Life* const life = instance.life();
    if (life == nullptr || life->gone()) return;
    switch (random.Below(12)) {
      case 0:
      case 1:
      case 2:
        Count(Event::kCrash);
        return scheduler_.Kill(life->process);
      case 3:
        Count(Event::kCleanStop);
        life->stop = true;
        return;
      case 4:
      case 5:
        if (!plan_.zombies) return;
        Count(Event::kPause);
        return scheduler_.Pause(life->process, std::chrono::milliseconds(random.Between(100, 15000)));
      case 6:
        if (plan_.zombies && life->faults->membership != nullptr) Expire(life);
        return;
      case 7:
        Count(Event::kClockJump);
        life->process->clock_offset = std::chrono::milliseconds(random.Between(-20'000, 20'000));
        return;
      case 8:
        Count(Event::kNoBroker);
        trouble().stalled_until = scheduler_.now() + std::chrono::milliseconds(random.Between(100, 8000));
        return;
      case 9:
      case 10:
        return CloseTopic();
      default:
        // Until the end of trouble, or until it is hit again.
        full_ = !full_;
        if (full_) Count(Event::kDiskFull);
        instance.disk().SetFull(full_);
    }
  }

  // What is said of it counts when a record meets it.
  void CloseTopic() {
    constexpr Event kReasons[] = {Event::kTopicForbidden, Event::kTopicUnknown, Event::kBatchTooLarge};
    Random& random = scheduler_.random();
    const std::vector<std::string> topics = log_.ListTopics();
    trouble().closed.topic = topics[random.Below(topics.size())];
    trouble().closed.until = scheduler_.now() + std::chrono::milliseconds(random.Between(100, 8000));
    trouble().closed.why = kReasons[random.Below(3)];
  }

  void Heal() {
    healed_ = true;
    trouble().rates = FaultRates();
    trouble().stalled_until = Nanoseconds(0);
    trouble().closed.until = Nanoseconds(0);
    for (const auto& instance : instances_) {
      instance->disk().SetFull(false);
      instance->start_at = scheduler_.now();
      // What the faults have brought about may show only now.
      if (instance->life() != nullptr) instance->life()->process->paused_until = Nanoseconds(0);
    }
    healed_ = false;
    for (const Nanoseconds end = scheduler_.now() + 15s; scheduler_.now() < end;) Tick(200ms);
    healed_ = true;
  }

  bool Check(bool complete) {
    std::vector<std::string> problems = model_.Check(promise(), complete);
    if (complete && !problems.empty()) return false;
    for (std::string& problem : problems) problems_.push_back(std::move(problem));
    if (!problems_.empty()) End();
    return true;
  }

  void Settle() {
    const Nanoseconds end = scheduler_.now() + kSettleTime;
    while (!Check(/*complete=*/true)) {
      Check(/*complete=*/false);
      if (scheduler_.now() > end) {
        problems_ = model_.Check(promise(), true);
        problems_.push_back(
            absl::StrCat("after ", std::chrono::duration_cast<std::chrono::seconds>(kSettleTime).count(), " s without faults"));
        End();
      }
      Tick(1000ms);
    }
    for (const Nanoseconds quiet = scheduler_.now() + 3s; scheduler_.now() < quiet;) Tick(500ms);
    Check(/*complete=*/false);
    if (!Check(/*complete=*/true)) {
      problems_ = model_.Check(promise(), true);
      End();
    }
  }

  void Stop(Instance* instance) {
    Life* const life = instance->life();
    if (life == nullptr) return;
    life->stop = true;
    for (const Nanoseconds end = scheduler_.now() + kStopTime; !life->gone() && scheduler_.now() < end;) scheduler_.Sleep(100ms);
    if (!life->ended || !life->closed)
      problems_.push_back(absl::StrCat(life->process->name, " did not close\n", scheduler_.Describe()));
    if (!life->error.ok()) problems_.push_back(absl::StrCat(life->process->name, " failed at its end: ", life->error.ToString()));
    if (!problems_.empty()) End();
  }

  void AwaitRunning(Instance* instance) {
    for (const Nanoseconds end = scheduler_.now() + kStopTime; scheduler_.now() < end;) {
      scheduler_.Sleep(500ms);
      WatchSessions();
      if (instance->life()->running) return;
    }
    problems_.push_back(absl::StrCat(instance->life()->process->name, " does not run: ", instance->life()->error.ToString(), "\n",
                                     scheduler_.Describe()));
    End();
  }

  // A commit that arrived twice has moved offsets back: what is behind them is processed again at the next start, here or there.
  void CommitAgain(Instance* last) {
    if (plan_.exactly_once || Uncommitted().empty()) return;
    Stop(last);
    last->Start();
    AwaitRunning(last);
    for (const Nanoseconds end = scheduler_.now() + kStopTime; !Uncommitted().empty() && scheduler_.now() < end;) {
      scheduler_.Sleep(500ms);
      WatchSessions();
    }
  }

  // The one that stays has all tasks; one that begins with an empty disk must come to the same state.
  void CompareStateWithChangelogs() {
    for (size_t i = 1; i < instances_.size(); ++i) Stop(instances_[i].get());
    Instance* const last = instances_.front().get();
    scheduler_.Sleep(plan_.static_members ? Nanoseconds(2 * plan_.session) : Nanoseconds(3s));
    AwaitRunning(last);
    CommitAgain(last);
    Stop(last);
    instances_.push_back(std::make_unique<Instance>(&around_, 9));
    Instance* const fresh = instances_.back().get();
    if (plan_.static_members) scheduler_.Sleep(2 * plan_.session);
    fresh->Start();
    AwaitRunning(fresh);
    Stop(fresh);
    Check(/*complete=*/false);
    CheckLog();
    if (!plan_.exactly_once && !promise().no_zombie) return;
    const auto kept = last->disk().Stores();
    for (const auto& [path, rebuilt] : fresh->disk().Stores()) {
      const auto found = kept.find(path);
      if (found != kept.end() && found->second == rebuilt) continue;
      const int64_t had = found == kept.end() ? -1 : static_cast<int64_t>(found->second.size());
      problems_.push_back(
          absl::StrCat("state ", path, " has ", had, " entries, its changelog gives ", rebuilt.size(), " or others"));
    }
  }

  // Partitions that are read and not committed to their end.
  std::vector<std::string> Uncommitted() {
    std::vector<std::string> behind;
    for (const std::string& topic : log_.ListTopics()) {
      const bool read = topic == kOrders || topic == kPayments || topic == kCustomers || topic.ends_with("-repartition");
      for (int32_t p = 0; read && p < log_.PartitionCount(topic).value_or(0); ++p) {
        const int64_t end = log_.EndOffset({topic, p}).value_or(-1);
        const log::Offsets committed = log_.CommittedOffsets(kApplication, {{topic, p}});
        const int64_t offset = committed.empty() ? 0 : committed.begin()->second.offset;
        if (offset != end) behind.push_back(absl::StrCat(topic, "-", p, ": committed ", offset, ", the end is ", end));
      }
    }
    return behind;
  }

  // No transaction is open any more, and all input is committed.
  void CheckLog() {
    const std::unique_ptr<log::LogClient> client = log_.NewClient();
    for (const std::string& topic : log_.ListTopics()) {
      for (int32_t p = 0; p < log_.PartitionCount(topic).value_or(0); ++p) {
        const int64_t end = log_.EndOffset({topic, p}).value_or(-1);
        const int64_t stable = client->admin().EndOffset({topic, p}, log::Isolation::kReadCommitted).value_or(-1);
        if (stable != end)
          problems_.push_back(absl::StrCat(topic, "-", p, ": open transaction at ", stable, ", the end is ", end));
      }
    }
    for (std::string& partition : Uncommitted()) {
      // Repartition topics end with markers, behind the last record.
      if (!plan_.exactly_once || partition.find("-repartition") == std::string::npos) problems_.push_back(std::move(partition));
    }
  }

  void (*const done_)(const Result&);
  Scheduler scheduler_;
  const Nanoseconds begin_ = scheduler_.now();
  const Plan plan_;
  SimHost host_;
  log::embedded::EmbeddedLog log_;
  Model model_;
  Surroundings around_;
  std::vector<std::unique_ptr<Instance>> instances_;
  bool healed_ = false;
  bool full_ = false;
  std::vector<std::string> problems_;
};

}  // namespace

void RunSeed(uint64_t seed, void (*done)(const Result&)) {
  auto* const world = new World(seed, done);
  world->Run();
}

}  // namespace millrace::simulation
