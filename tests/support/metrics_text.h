#ifndef MILLRACE_TESTS_SUPPORT_METRICS_TEXT_H_
#define MILLRACE_TESTS_SUPPORT_METRICS_TEXT_H_

#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>

namespace millrace::tests {

/// One family of a Prometheus text: its type, and the labels that any of its series has besides `application`.
struct MetricFamily {
  std::string type;
  std::set<std::string> labels;
  friend bool operator==(const MetricFamily&, const MetricFamily&) = default;
};

/// A Prometheus text, parsed. Label values must not contain commas, quotes or braces.
class MetricsText {
 public:
  explicit MetricsText(const std::string& text) {
    std::istringstream lines(text);
    std::string family;
    for (std::string line; std::getline(lines, line);) {
      const std::string kType = "# TYPE ";
      if (line.starts_with(kType)) {
        const size_t space = line.find(' ', kType.size());
        family = line.substr(kType.size(), space - kType.size());
        families[family].type = line.substr(space + 1);
      } else if (!line.empty() && line[0] != '#') {
        const size_t space = line.rfind(' ');
        const std::string series = line.substr(0, space);
        duplicates += series_.contains(series) ? series + " " : "";
        series_[series] = std::strtod(line.c_str() + space, nullptr);
        AddLabels(series, &families[family].labels);
      }
    }
  }

  /// The value of "name" or "name{label=\"value\",...}" (without the application); nullopt if there is no such series.
  [[nodiscard]] std::optional<double> Value(const std::string& series) const {
    const size_t brace = series.find('{');
    std::string full = series.substr(0, brace) + "{application=\"" + application + "\"";
    full += brace == std::string::npos ? "}" : "," + series.substr(brace + 1);
    const auto it = series_.find(full);
    return it == series_.end() ? std::nullopt : std::optional(it->second);
  }
  /// Of all series of that name.
  [[nodiscard]] double Sum(const std::string& name) const {
    double sum = 0;
    for (const auto& [series, value] : series_) sum += series.starts_with(name + "{") ? value : 0;
    return sum;
  }

  std::string application = "observed";
  std::map<std::string, MetricFamily> families;
  /// Series that stand there twice, which Prometheus refuses.
  std::string duplicates;

 private:
  static void AddLabels(const std::string& series, std::set<std::string>* labels) {
    size_t at = series.find('{');
    while (at != std::string::npos && series[at] != '}') {
      const size_t equals = series.find('=', at);
      const std::string label = series.substr(at + 1, equals - at - 1);
      if (label != "application" && label != "le") labels->insert(label);
      at = series.find_first_of(",}", equals);
    }
  }
  std::map<std::string, double> series_;
};

}  // namespace millrace::tests

#endif  // MILLRACE_TESTS_SUPPORT_METRICS_TEXT_H_
