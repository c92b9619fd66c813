#ifndef MILLRACE_WAREHOUSE_PROTOBUF_LOAD_MESSAGE_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_LOAD_MESSAGE_H_

#include <google/protobuf/descriptor.h>

#include <string>

#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// The message `name` of a serialised FileDescriptorSet, whose files are added to `pool`; it lives as long as that.
/// InvalidArgument if the set is damaged, lacks an import, or has no such message.
absl::StatusOr<const google::protobuf::Descriptor*> LoadMessage(const std::string& descriptor_set, const std::string& name,
                                                                google::protobuf::DescriptorPool* pool);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_LOAD_MESSAGE_H_
