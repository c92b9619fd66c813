#include "millrace/topologies/internal/serde_argument.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace millrace::internal {

void FailSerdeOfOtherType(GraphBuilder* graph, std::string_view argument) {
  graph->Fail(absl::InvalidArgumentError(
      absl::StrCat("a serde in ", std::string(argument), " is for another type than the stream or table it is used with")));
}

void FailWithoutSerde(GraphBuilder* graph, std::string_view part, const std::string& step) {
  graph->Fail(absl::InvalidArgumentError(absl::StrCat(
      "step '", step, "' has no serde for its ", std::string(part), ": specialise millrace::Serde for the type, or pass one (",
      "Produced, Grouped, Joined, StreamJoined, Materialized or Repartitioned take serdes)")));
}

}  // namespace millrace::internal
