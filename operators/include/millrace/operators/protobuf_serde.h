#ifndef MILLRACE_OPERATORS_PROTOBUF_SERDE_H_
#define MILLRACE_OPERATORS_PROTOBUF_SERDE_H_

#include <google/protobuf/message.h>

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "absl/status/status.h"
#include "millrace/state/serde.h"

namespace millrace {

/// A generated message type, not the abstract base.
template <class M>
concept ProtobufMessage = std::derived_from<M, google::protobuf::Message> && !std::is_abstract_v<M>;

namespace internal {
absl::Status ParseMessage(BytesView bytes, google::protobuf::Message* message);
/// "protobuf <full name>" and the fields of the message and of those inside it, by number.
[[nodiscard]] SerdeFingerprint ProtobufFingerprint(const google::protobuf::Descriptor& message);
}  // namespace internal

/// Any generated protobuf message, in protobuf's binary format, without a schema registry's prefix. Stateless; any thread.
template <ProtobufMessage M>
struct Serde<M> {
  void Serialize(const M& message, Bytes* out) const { message.AppendToString(out); }
  /// kInvalidArgument names the message type.
  absl::Status Deserialize(BytesView bytes, M* message) const { return internal::ParseMessage(bytes, message); }
  size_t MemoryBytes(const M& message) const { return message.SpaceUsedLong(); }
  /// Fits those of all versions of the message in which no field number has two types.
  SerdeFingerprint Fingerprint() const { return internal::ProtobufFingerprint(*M::descriptor()); }
};

}  // namespace millrace

#endif  // MILLRACE_OPERATORS_PROTOBUF_SERDE_H_
