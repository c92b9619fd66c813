#include "millrace/operators/protobuf_serde.h"

#include <google/protobuf/descriptor.h>

#include <vector>

namespace millrace::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Types that protobuf lets stand for one another have one name.
std::string TypeName(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_INT32:
    case FieldDescriptor::TYPE_INT64:
    case FieldDescriptor::TYPE_UINT32:
    case FieldDescriptor::TYPE_UINT64:
    case FieldDescriptor::TYPE_BOOL:
    case FieldDescriptor::TYPE_ENUM:
      return "varint";
    case FieldDescriptor::TYPE_SINT32:
    case FieldDescriptor::TYPE_SINT64:
      return "zigzag varint";
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return "fixed32";
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return "fixed64";
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
      return "string";
    default:
      return field.type_name();  // float, double, message, group
  }
}

}  // namespace

SerdeFingerprint ProtobufFingerprint(const Descriptor& message) {
  SerdeFingerprint fingerprint;
  fingerprint.name = "protobuf " + std::string(message.full_name());
  fingerprint.roots = {std::string(message.full_name())};
  std::vector<const Descriptor*> waiting = {&message};
  while (!waiting.empty()) {
    const Descriptor& next = *waiting.back();
    waiting.pop_back();
    const auto [fields, added] = fingerprint.messages.try_emplace(std::string(next.full_name()));
    if (!added) continue;
    for (int i = 0; i < next.field_count(); ++i) {
      const FieldDescriptor& from = *next.field(i);
      SerdeFingerprint::Field& field = fields->second[from.number()];
      field.type = (from.is_repeated() ? "repeated " : "") + TypeName(from);
      if (from.message_type() == nullptr) continue;
      field.message = std::string(from.message_type()->full_name());
      waiting.push_back(from.message_type());
    }
  }
  return fingerprint;
}

}  // namespace millrace::internal
