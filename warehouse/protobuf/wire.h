#ifndef MILLRACE_WAREHOUSE_PROTOBUF_WIRE_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_WIRE_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace::warehouse::wire {

// Reading of the protobuf wire format ("Encoding" of the protobuf documentation). Each function reads at `p`, never reaches
// `end`, and returns where it stopped, or nullptr where the bytes are malformed.

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kStartGroup = 3, kEndGroup = 4, kFixed32 = 5 };

/// How deep groups that nobody knows may nest; protobuf's own limit for messages.
inline constexpr int kMaxGroupDepth = 100;

inline const char* ReadLongVarint(const char* p, const char* end, uint64_t* value) {
  uint64_t result = 0;
  for (int shift = 0; shift < 70 && p != end; shift += 7) {
    const auto byte = static_cast<uint8_t>(*p++);
    result |= shift < 64 ? static_cast<uint64_t>(byte & 0x7f) << shift : 0;
    if (byte < 0x80) {
      *value = result;
      return p;
    }
  }
  return nullptr;
}

inline const char* ReadVarint(const char* p, const char* end, uint64_t* value) {
  if (p != end && static_cast<uint8_t>(*p) < 0x80) {
    *value = static_cast<uint8_t>(*p);
    return p + 1;
  }
  return ReadLongVarint(p, end, value);
}

/// Field number and wire type. Field number 0 and numbers beyond 2^29 are malformed.
inline const char* ReadTag(const char* p, const char* end, uint32_t* number, uint32_t* wire_type) {
  uint64_t tag;
  p = ReadVarint(p, end, &tag);
  if (p == nullptr || tag > UINT32_MAX || tag < 8) {
    return nullptr;
  }
  *number = static_cast<uint32_t>(tag >> 3);
  *wire_type = static_cast<uint32_t>(tag & 7);
  return p;
}

inline const char* ReadBytes(const char* p, const char* end, std::string_view* value) {
  uint64_t length;
  p = ReadVarint(p, end, &length);
  if (p == nullptr || length > static_cast<uint64_t>(end - p)) {
    return nullptr;
  }
  *value = std::string_view(p, length);
  return p + length;
}

template <typename T>
const char* ReadFixed(const char* p, const char* end, T* value) {
  if (static_cast<size_t>(end - p) < sizeof(T)) {
    return nullptr;
  }
  std::memcpy(value, p, sizeof(T));
  return p + sizeof(T);
}

const char* SkipField(const char* p, const char* end, uint32_t number, uint32_t wire_type, int depth = 0);

/// The fields of group `number`, whose start tag has been read: what stands before its end tag.
inline const char* ReadGroup(const char* p, const char* end, uint32_t number, std::string_view* body, int depth = 0) {
  const char* const begin = p;
  while (depth < kMaxGroupDepth && p != end) {
    const char* const field = p;
    uint32_t inner;
    uint32_t wire_type;
    p = ReadTag(p, end, &inner, &wire_type);
    if (p == nullptr) {
      return nullptr;
    }
    if (wire_type == kEndGroup) {
      *body = std::string_view(begin, field - begin);
      return inner == number ? p : nullptr;
    }
    p = SkipField(p, end, inner, wire_type, depth + 1);
    if (p == nullptr) {
      return nullptr;
    }
  }
  return nullptr;
}

/// Passes over the value of a field whose tag has been read.
inline const char* SkipField(const char* p, const char* end, uint32_t number, uint32_t wire_type, int depth) {
  uint64_t ignored;
  std::string_view body;
  switch (wire_type) {
    case kVarint:
      return ReadVarint(p, end, &ignored);
    case kFixed64:
      return end - p < 8 ? nullptr : p + 8;
    case kLength:
      return ReadBytes(p, end, &body);
    case kStartGroup:
      return ReadGroup(p, end, number, &body, depth);
    case kFixed32:
      return end - p < 4 ? nullptr : p + 4;
    default:
      return nullptr;
  }
}

/// The wire type of a value that stands alone (not packed).
inline uint32_t WireTypeOf(google::protobuf::FieldDescriptor::Type type) {
  using Field = google::protobuf::FieldDescriptor;
  switch (type) {
    case Field::TYPE_DOUBLE:
    case Field::TYPE_FIXED64:
    case Field::TYPE_SFIXED64:
      return kFixed64;
    case Field::TYPE_FLOAT:
    case Field::TYPE_FIXED32:
    case Field::TYPE_SFIXED32:
      return kFixed32;
    case Field::TYPE_STRING:
    case Field::TYPE_BYTES:
    case Field::TYPE_MESSAGE:
      return kLength;
    case Field::TYPE_GROUP:
      return kStartGroup;
    default:
      return kVarint;
  }
}

/// A number of any type. Integers of 32 bits come with their sign or zeros in the upper half; floats as their bits.
inline const char* ReadNumber(google::protobuf::FieldDescriptor::Type type, const char* p, const char* end, uint64_t* bits) {
  using Field = google::protobuf::FieldDescriptor;
  uint32_t half;
  switch (type) {
    case Field::TYPE_DOUBLE:
    case Field::TYPE_FIXED64:
    case Field::TYPE_SFIXED64:
      return ReadFixed(p, end, bits);
    case Field::TYPE_FLOAT:
    case Field::TYPE_FIXED32:
    case Field::TYPE_SFIXED32:
      p = ReadFixed(p, end, &half);
      if (p != nullptr) {
        *bits = type == Field::TYPE_SFIXED32 ? static_cast<uint64_t>(static_cast<int32_t>(half)) : half;
      }
      return p;
    default:
      break;
  }
  p = ReadVarint(p, end, bits);
  if (p == nullptr) {
    return nullptr;
  }
  switch (type) {
    case Field::TYPE_INT32:
    case Field::TYPE_ENUM:
      *bits = static_cast<uint64_t>(static_cast<int32_t>(*bits));
      break;
    case Field::TYPE_UINT32:
      *bits = static_cast<uint32_t>(*bits);
      break;
    case Field::TYPE_SINT32: {
      const auto zigzag = static_cast<uint32_t>(*bits);
      *bits = static_cast<uint64_t>(static_cast<int32_t>((zigzag >> 1) ^ (~(zigzag & 1) + 1)));
      break;
    }
    case Field::TYPE_SINT64:
      *bits = (*bits >> 1) ^ (~(*bits & 1) + 1);
      break;
    case Field::TYPE_BOOL:
      *bits = *bits != 0 ? 1 : 0;
      break;
    default:
      break;
  }
  return p;
}

}  // namespace millrace::warehouse::wire

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_WIRE_H_
