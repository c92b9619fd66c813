#ifndef MILLRACE_TESTS_BENCH_OPTIONS_H_
#define MILLRACE_TESTS_BENCH_OPTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace::bench {

/// The command line, as that of the Kafka Streams peer: `--name value` pairs; `--set key=value` may be repeated.
class Options {
 public:
  static absl::StatusOr<Options> Parse(int argc, char** argv);

  [[nodiscard]] bool Has(const std::string& name) const { return values_.contains(name); }
  /// An empty string if the option is absent; check required ones with Require first.
  [[nodiscard]] std::string Get(const std::string& name, const std::string& otherwise = "") const;
  [[nodiscard]] int64_t Number(const std::string& name, int64_t otherwise) const;
  [[nodiscard]] absl::Status Require(const std::vector<std::string>& names) const;
  [[nodiscard]] std::string prefix() const { return Get("prefix", "bench"); }
  [[nodiscard]] std::string bootstrap() const { return Get("bootstrap"); }
  [[nodiscard]] const std::vector<std::string>& settings() const { return settings_; }

 private:
  std::map<std::string, std::string> values_;
  std::vector<std::string> settings_;
};

}  // namespace millrace::bench

#endif  // MILLRACE_TESTS_BENCH_OPTIONS_H_
