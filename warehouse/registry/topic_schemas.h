#ifndef MILLRACE_WAREHOUSE_REGISTRY_TOPIC_SCHEMAS_H_
#define MILLRACE_WAREHOUSE_REGISTRY_TOPIC_SCHEMAS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/state/bytes.h"
#include "registry/registry_client.h"

namespace millrace::warehouse {

/// What stands before the message in a value that was written with a registry: a zero byte, the schema's id in four bytes, big
/// end first, and the way to the message in its file as zigzag varints, how many and then each ("0" alone is the way to the
/// first message). Follows Confluent's wire format.
struct RegistryHeader {
  int32_t schema_id = 0;
  std::vector<int32_t> message_indexes;
  size_t size = 0;  // bytes

  /// InvalidArgument if the value does not begin so.
  static absl::StatusOr<RegistryHeader> Parse(BytesView value);
};

/// The protobuf message of a topic's values as a registry has it, version by version. One thread.
class TopicSchemas {
 public:
  struct Latest {
    std::string descriptor_set;  // with all that the file imports, and comments
    std::string message;         // full name
  };

  /// `message` is the full name; empty for the first of the latest file. The client outlives it.
  TopicSchemas(RegistryClient* client, std::string subject, std::string message)
      : client_(client), subject_(std::move(subject)), message_(std::move(message)) {}

  /// Asks the registry, and knows the schema's id afterwards. FailedPrecondition for a file that cannot be parsed, imports what
  /// the registry does not have, or lacks the message.
  absl::StatusOr<Latest> Load();
  [[nodiscard]] bool Knows(int32_t schema_id) const { return messages_.contains(schema_id); }
  /// Asks the registry for a schema that is not known yet.
  absl::Status Learn(int32_t schema_id);
  /// InvalidArgument if the header's way does not lead to the message. The id must be known.
  [[nodiscard]] absl::Status Check(const RegistryHeader& header) const;

 private:
  using Names = std::map<std::vector<int32_t>, std::string>;  // of the messages of a file, by the way to them

  RegistryClient* const client_;
  const std::string subject_;
  std::string message_;
  std::map<int32_t, Names> messages_;  // by schema
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_REGISTRY_TOPIC_SCHEMAS_H_
