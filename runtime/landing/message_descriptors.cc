#include "landing/message_descriptors.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

void AddWithImports(const google::protobuf::FileDescriptor& file, std::set<std::string>* added,
                    google::protobuf::FileDescriptorSet* set) {
  if (!added->insert(file.name()).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) AddWithImports(*file.dependency(i), added, set);
  file.CopyTo(set->add_file());
}

bool Defines(const google::protobuf::FileDescriptorProto& file, const std::string& message) {
  const std::string prefix = file.package().empty() ? "" : absl::StrCat(file.package(), ".");
  if (message.compare(0, prefix.size(), prefix) != 0) return false;
  const std::string outermost = message.substr(prefix.size(), message.find('.', prefix.size()) - prefix.size());
  for (const auto& type : file.message_type()) {
    if (type.name() == outermost) return true;
  }
  return false;
}

}  // namespace

MessageDescriptors::MessageDescriptors() : files_(std::make_unique<google::protobuf::FileDescriptorSet>()) {}
MessageDescriptors::~MessageDescriptors() = default;

absl::Status MessageDescriptors::Add(const std::string& descriptor_set, const std::string& file) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromString(descriptor_set)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " is no descriptor set: make it by protoc --include_imports --descriptor_set_out=", file));
  }
  files_->MergeFrom(set);
  return absl::OkStatus();
}

absl::StatusOr<std::string> MessageDescriptors::Find(const std::string& message) const {
  for (const auto& file : files_->file()) {
    if (Defines(file, message)) return files_->SerializeAsString();
  }
  const auto* compiled = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(message);
  if (compiled == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("there is no protobuf message ", message,
                     ": it is neither compiled into the program nor in the file of warehouse.descriptors"));
  }
  google::protobuf::FileDescriptorSet set;
  std::set<std::string> added;
  AddWithImports(*compiled->file(), &added, &set);
  return set.SerializeAsString();
}

}  // namespace millrace
