#ifndef MILLRACE_TOPOLOGIES_TSHIRT_CHECK_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "millrace/runtime/topic_io.h"
#include "model.h"

namespace millrace::tshirt {

/// How an output topic compares with the model.
struct TopicResult {
  std::string topic;
  int64_t records = 0;
  int64_t expected = 0;  // keys
  /// Keys of the model that the topic does not have in the end.
  int64_t missing = 0;
  /// Keys whose last value is another than the model's, or that the model does not have.
  int64_t wrong = 0;
  /// Records that say what the record before them of the same key said.
  int64_t repeated = 0;
  /// Facts, or first facts, that were put right by a later record of the same key.
  int64_t corrected = 0;
};

struct CheckResult {
  std::vector<TopicResult> topics;
  /// Nothing missing, wrong or repeated.
  [[nodiscard]] bool correct() const;
  /// A table for people.
  [[nodiscard]] std::string ToString() const;
};

/// Adds all records of the input topics to a model. kNotFound names a topic that does not exist.
[[nodiscard]] absl::StatusOr<Model> ReadModel(TopicClient* client, const absl::TimeZone& zone);

/// Reads all output topics and compares them with the model. `csv`, if not empty, is a file that gets the facts.
[[nodiscard]] absl::StatusOr<CheckResult> Check(TopicClient* client, const Expected& expected, const std::string& csv = "");

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_CHECK_H_
