#ifndef MILLRACE_RUNTIME_LANDING_MESSAGE_DESCRIPTORS_H_
#define MILLRACE_RUNTIME_LANDING_MESSAGE_DESCRIPTORS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace google::protobuf {
class FileDescriptorSet;
}  // namespace google::protobuf

namespace millrace {

/// Finds protobuf messages by name: in a file made by `protoc --include_imports --descriptor_set_out`, and among those that are
/// compiled into the program.
class MessageDescriptors {
 public:
  MessageDescriptors();
  ~MessageDescriptors();

  /// InvalidArgument if the text is no descriptor set. `file` is for messages.
  absl::Status Add(const std::string& descriptor_set, const std::string& file);
  /// A serialised FileDescriptorSet with the message's file and all that it imports. NotFound names what can be done.
  [[nodiscard]] absl::StatusOr<std::string> Find(const std::string& message) const;

 private:
  std::unique_ptr<google::protobuf::FileDescriptorSet> files_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LANDING_MESSAGE_DESCRIPTORS_H_
