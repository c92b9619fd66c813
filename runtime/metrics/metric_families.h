#ifndef MILLRACE_RUNTIME_METRICS_METRIC_FAMILIES_H_
#define MILLRACE_RUNTIME_METRICS_METRIC_FAMILIES_H_

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "metrics/runtime_snapshot.h"

namespace millrace {

/// Collects metric families whose series all carry the application's name.
class MetricFamilies {
 public:
  using Label = prometheus::ClientMetric::Label;
  using Labels = std::vector<Label>;

  explicit MetricFamilies(std::string application) : application_(std::move(application)) {}

  void Gauge(const char* name, const char* help, double value, Labels labels = {}) {
    Series(name, help, prometheus::MetricType::Gauge, std::move(labels)).gauge.value = value;
  }
  void Counter(const char* name, const char* help, int64_t value, Labels labels = {}) {
    Seconds(name, help, static_cast<double>(value), std::move(labels));
  }
  /// A counter of seconds.
  void Seconds(const char* name, const char* help, double value, Labels labels) {
    Series(name, help, prometheus::MetricType::Counter, std::move(labels)).counter.value = value;
  }
  template <class Bounds>
  void Observations(const char* name, const char* help, const Histogram<Bounds>& observed, Labels labels = {}) {
    prometheus::ClientMetric::Histogram& histogram =
        Series(name, help, prometheus::MetricType::Histogram, std::move(labels)).histogram;
    uint64_t count = 0;
    for (size_t i = 0; i <= observed.kBuckets; ++i) {
      count += observed.counts[i];
      const bool last = i == observed.kBuckets;
      histogram.bucket.push_back({count, last ? std::numeric_limits<double>::infinity() : observed.kBounds[i]});
    }
    histogram.sample_count = count;
    histogram.sample_sum = observed.sum;
  }
  /// One counter for each entry of a map, under the label `label`.
  void Counters(const char* name, const char* help, const char* label, const std::map<std::string, int64_t>& values) {
    for (const auto& [key, value] : values) Counter(name, help, value, {{label, key}});
  }

  [[nodiscard]] std::string Serialize() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  prometheus::ClientMetric& Series(const char* name, const char* help, prometheus::MetricType type, Labels labels) {
    if (families_.empty() || families_.back().name != name) families_.push_back({name, help, type, {}});
    prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label.push_back({"application", application_});
    for (Label& label : labels) metric.label.push_back(std::move(label));
    return metric;
  }

  std::string application_;
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_METRICS_METRIC_FAMILIES_H_
