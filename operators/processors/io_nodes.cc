#include "millrace/operators/internal/io_nodes.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "millrace/state/murmur2.h"

namespace millrace::internal {

absl::Status Unparsable(const char* part, absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat("the ", part, " does not parse: ", reason));
}

absl::Status ThrownBySerde(const char* part) {
  try {
    throw;
  } catch (const std::exception& e) {
    return Unparsable(part, absl::StrCat("its serde threw: ", e.what()));
  } catch (...) {
    return Unparsable(part, "its serde threw something that is no std::exception");
  }
}

absl::Status SinkNodeBase::AddChild(ProcessorNode* child) {
  return absl::InvalidArgumentError(absl::StrCat("sink ", name(), " cannot have the child ", child->name()));
}

absl::Status SinkNodeBase::Init(TaskContext* context) {
  context_ = context;
  return absl::OkStatus();
}

bool SinkNodeBase::Begin(const std::string& topic, Timestamp timestamp, const Headers& headers) {
  key_.clear();
  value_.clear();
  if (timestamp.millis() >= 0) return true;
  (void)context_->OnUnwritable(
      *this, topic, headers,
      absl::InvalidArgumentError(absl::StrCat("sink ", name(), ": negative timestamp ", timestamp.millis(), " for topic ", topic,
                                              "; a processor or extractor must give records a timestamp of 0 or later")));
  return false;
}

void SinkNodeBase::LeaveOut(const std::string& topic, const char* part, const Headers& headers) const {
  std::string thrown = "something that is no std::exception";
  try {
    throw;
  } catch (const std::exception& e) {
    thrown = e.what();
  } catch (...) {
  }
  const absl::Status reason = absl::InvalidArgumentError(
      absl::StrCat("sink ", name(), ": the serde of the ", part, " for topic ", topic, " threw: ", thrown));
  if (!context_->OnUnwritable(*this, topic, headers, reason)) throw;
}

std::optional<int32_t> SinkNodeBase::PartitionOf(const std::string& topic, BytesView key) const {
  const int32_t partitions = context_->output().PartitionCount(topic);
  if (partitions <= 0) return std::nullopt;
  return PartitionForKey(key, partitions);
}

}  // namespace millrace::internal
