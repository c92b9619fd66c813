#include "millrace/operators/processor_node.h"

#include "absl/strings/str_cat.h"

namespace millrace {

absl::Status ForwarderBase::AddChild(std::string_view parent, ProcessorNode* child, void* receiver) {
  if (receiver == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", child->name(), " does not take what node ", std::string(parent), " forwards"));
  }
  children_.push_back({child, receiver});
  return absl::OkStatus();
}

const ForwarderBase::Child* ForwarderBase::FindChild(std::string_view name) const {
  for (const Child& child : children_) {
    if (child.node->name() == name) return &child;
  }
  context_->error.Report(absl::InvalidArgumentError(absl::StrCat("no child node ", std::string(name))));
  return nullptr;
}

}  // namespace millrace
