#include "workloads.h"

#include <cctype>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "millrace/millrace.h"
#include "tshirt_workload.h"

namespace millrace::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kWindow(10);
constexpr seconds kJoin(5);

Bytes Upper10(const Bytes& value) {
  Bytes upper = value;
  for (size_t i = 0; i < 10 && i < upper.size(); ++i) upper[i] = absl::ascii_toupper(static_cast<unsigned char>(upper[i]));
  return upper;
}

// The first 10 bytes of `head`, then all of `tail`.
Bytes Concat10(const Bytes& head, const Bytes& tail) {
  Bytes joined;
  joined.reserve(10 + tail.size());
  joined.append(head, 0, 10);
  joined.append(tail);
  return joined;
}

void Stateless(StreamsBuilder& builder, const Workload& w) {
  builder.Stream<Bytes, Bytes>(w.inputs[0])
      .Filter([](const Bytes& value) { return value[0] >= 'a'; })
      .MapValues([](const Bytes& value) { return Upper10(value); })
      .To(w.output);
}

void Count(StreamsBuilder& builder, const Workload& w, bool in_memory) {
  auto materialized = Materialized::As("count");
  if (in_memory) materialized = materialized.WithStoreKind(StoreKind::kInMemory);
  builder.Stream<Bytes, Bytes>(w.inputs[0]).GroupByKey().Count(materialized).ToStream().To(w.output);
}

void WindowedCount(StreamsBuilder& builder, const Workload& w, const TimeWindows& windows) {
  builder.Stream<Bytes, Bytes>(w.inputs[0])
      .GroupByKey()
      .WindowedBy(windows)
      .Count(Materialized::As("count"))
      .ToStream()
      .SelectKey([](const Windowed<Bytes>& key, const int64_t&) -> Bytes {
        return absl::StrCat(key.key, "@", key.window.start.millis());
      })
      .To(w.output);
}

void StreamTableJoin(StreamsBuilder& builder, const Workload& w) {
  auto table = builder.Table<Bytes, Bytes>(w.table, Materialized::As("table"));
  builder.Stream<Bytes, Bytes>(w.inputs[0])
      .Join(table, [](const Bytes& value, const Bytes& row) { return Concat10(row, value); })
      .To(w.output);
}

void StreamStreamJoin(StreamsBuilder& builder, const Workload& w) {
  builder.Stream<Bytes, Bytes>(w.inputs[0])
      .Join(
          builder.Stream<Bytes, Bytes>(w.inputs[1]), [](const Bytes& left, const Bytes& right) { return Concat10(left, right); },
          JoinWindows::OfTimeDifferenceAndGrace(kJoin, seconds(1)), StreamJoined::As("join").WithStoreName("join"))
      .To(w.output);
}

}  // namespace

absl::StatusOr<Workload> Workload::Of(const Options& options) {
  const std::string id = absl::AsciiStrToLower(options.Get("workload"));
  const std::string family = id.substr(0, 2);
  const std::string topics = absl::StrCat(options.prefix(), "-", family, "-");
  Workload w{id, family, {}, "", options.Get("out", topics + (family == "w6" ? "facts" : "out"))};
  if (family == "w1" || family == "w2" || family == "w3") {
    w.inputs = {options.Get("in", topics + "in")};
  } else if (family == "w4") {
    w.inputs = {options.Get("in", topics + "in")};
    w.table = topics + "table";
  } else if (family == "w5") {
    w.inputs = {topics + "left", topics + "right"};
  } else if (family == "w6") {
    w.inputs = {topics + "registrations", topics + "orders", topics + "deliveries"};
  } else {
    return absl::InvalidArgumentError(absl::StrCat("no workload '", id, "': W1, W2, W2m, W2d, W2e, W3, W3h, W4, W5 or W6"));
  }
  return w;
}

absl::StatusOr<Topology> BuildTopology(const Workload& w) {
  StreamsBuilder builder;
  if (w.id == "w1") {
    Stateless(builder, w);
  } else if (w.id == "w2" || w.id == "w2d" || w.id == "w2e") {
    Count(builder, w, false);
  } else if (w.id == "w2m") {
    Count(builder, w, true);
  } else if (w.id == "w3") {
    WindowedCount(builder, w, TimeWindows::OfSizeWithNoGrace(kWindow));
  } else if (w.id == "w3h") {
    WindowedCount(builder, w, TimeWindows::OfSizeWithNoGrace(kWindow).AdvanceBy(seconds(2)));
  } else if (w.id == "w4") {
    StreamTableJoin(builder, w);
  } else if (w.id == "w5") {
    StreamStreamJoin(builder, w);
  } else if (w.id == "w6") {
    TshirtFacts(builder, w);
  } else {
    return absl::InvalidArgumentError(absl::StrCat("no workload ", w.id));
  }
  return builder.Build();
}

absl::StatusOr<Topology> BuildRestoreTopology(const std::string& input, bool in_memory) {
  StreamsBuilder builder;
  auto materialized = Materialized::As("store");
  if (in_memory) materialized = materialized.WithStoreKind(StoreKind::kInMemory);
  builder.Table<Bytes, Bytes>(input, materialized);
  return builder.Build();
}

}  // namespace millrace::bench
