#include "protobuf/load_message.h"

#include <google/protobuf/descriptor.pb.h>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {

absl::StatusOr<const google::protobuf::Descriptor*> LoadMessage(const std::string& descriptor_set, const std::string& name,
                                                                google::protobuf::DescriptorPool* pool) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromString(descriptor_set)) return absl::InvalidArgumentError("the descriptor set is damaged");
  for (const auto& file : set.file()) {
    if (pool->BuildFile(file) == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("the descriptor set lacks what ", file.name(),
                                                     " imports, or is damaged there: make it with --include_imports"));
    }
  }
  const google::protobuf::Descriptor* message = pool->FindMessageTypeByName(name);
  if (message != nullptr) return message;
  return absl::InvalidArgumentError(absl::StrCat("the descriptor set has no message ", name));
}

}  // namespace millrace::warehouse
