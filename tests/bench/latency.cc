#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "commands.h"
#include "millrace/runtime/topic_io.h"
#include "millrace/state/serdes.h"

namespace millrace::bench {
namespace {

using Clock = std::chrono::system_clock;

// Where a generated value carries the instant at which it was due, in nanoseconds since 1970.
constexpr size_t kDueAt = 10;
constexpr size_t kDueDigits = 20;

int64_t NowNs() { return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count(); }

int64_t DueNs(BytesView value) { return std::strtoll(std::string(value.substr(kDueAt, kDueDigits)).c_str(), nullptr, 10); }

struct Seen {
  std::string key;
  // W1: when it was due; W2: the count.
  int64_t number = 0;
  int64_t arrived_ns = 0;
};

absl::StatusOr<std::vector<Seen>> ReadOutput(TopicClient& client, const Options& options, bool counts) {
  absl::StatusOr<std::unique_ptr<TopicReader>> reader =
      client.NewReader({options.Get("out")}, options.Get("committed") == "true");
  if (!reader.ok()) return reader.status();
  std::vector<Seen> seen;
  const auto end = Clock::now() + std::chrono::seconds(options.Number("seconds", 60));
  while (Clock::now() < end) {
    const auto polled = (*reader)->Poll(std::chrono::milliseconds(100), [&](const TopicRecord& record) {
      int64_t number = 0;
      if (!counts) {
        number = DueNs(*record.value);
      } else if (!Serde<int64_t>().Deserialize(*record.value, &number).ok()) {
        return;
      }
      seen.push_back({counts ? std::string(*record.key) : std::string(), number, NowNs()});
    });
    if (!polled.ok()) return polled.status();
  }
  return seen;
}

double Quantile(const std::vector<int64_t>& sorted, double q) {
  if (sorted.empty()) return -1;
  const auto i = std::min(sorted.size() - 1, static_cast<size_t>(static_cast<double>(sorted.size()) * q));
  return static_cast<double>(sorted[i]) / 1e6;
}

}  // namespace

absl::Status Latency(const Options& options) {
  if (absl::Status s = options.Require({"bootstrap", "workload", "in", "out"}); !s.ok()) return s;
  const bool counts = absl::StartsWith(absl::AsciiStrToLower(options.Get("workload")), "w2");
  absl::StatusOr<StreamsConfig> config = ConfigOf(options, "bench-latency", "0");
  if (!config.ok()) return config.status();
  absl::StatusOr<std::unique_ptr<TopicClient>> client = TopicClient::Connect(*config);
  if (!client.ok()) return client.status();
  absl::StatusOr<std::vector<Seen>> seen = ReadOutput(**client, options, counts);
  if (!seen.ok()) return seen.status();

  std::map<std::string, std::vector<int64_t>> due;  // W2: by key; W1: all under ""
  int64_t inputs = 0;
  absl::StatusOr<std::unique_ptr<TopicReader>> input = (*client)->NewReader({options.Get("in")});
  if (!input.ok()) return input.status();
  int64_t first = std::numeric_limits<int64_t>::max();
  absl::Status read = (*input)->ReadToEnd(std::chrono::minutes(2), [&](const TopicRecord& record) {
    const int64_t ns = DueNs(*record.value);
    due[counts ? std::string(*record.key) : std::string()].push_back(ns);
    first = std::min(first, ns);
    ++inputs;
  });
  if (!read.ok()) return read;

  const int64_t measured_from = first + options.Number("warmup-seconds", 5) * 1'000'000'000;
  std::map<std::string, size_t> answered;
  std::vector<int64_t> latencies;
  int64_t matched = 0;
  for (const Seen& s : *seen) {
    if (!counts) {
      ++matched;
      if (s.number >= measured_from) latencies.push_back(s.arrived_ns - s.number);
      continue;
    }
    const std::vector<int64_t>& times = due[s.key];
    size_t& done = answered[s.key];
    for (; done < static_cast<size_t>(s.number) && done < times.size(); ++done, ++matched) {
      if (times[done] >= measured_from) latencies.push_back(s.arrived_ns - times[done]);
    }
  }
  std::sort(latencies.begin(), latencies.end());
  const nlohmann::ordered_json line = {{"latency", absl::AsciiStrToLower(options.Get("workload"))},
                                       {"inputs", inputs},
                                       {"outputs", seen->size()},
                                       {"unanswered", inputs - matched},
                                       {"samples", latencies.size()},
                                       {"p50_ms", Quantile(latencies, 0.5)},
                                       {"p99_ms", Quantile(latencies, 0.99)},
                                       {"p99.9_ms", Quantile(latencies, 0.999)},
                                       {"max_ms", Quantile(latencies, 1)}};
  std::cout << line.dump() << "\n";
  return absl::OkStatus();
}

}  // namespace millrace::bench
