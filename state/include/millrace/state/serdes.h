#ifndef MILLRACE_STATE_SERDES_H_
#define MILLRACE_STATE_SERDES_H_

#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/state/internal/big_endian.h"
#include "millrace/state/serde.h"
#include "millrace/state/windowed.h"

/// Serdes for everyday types, with the byte layouts of Kafka's Java serdes. All are small immutable values, usable from any
/// thread. A Deserialize that fails gives kInvalidArgument with the sizes that did not meet.
namespace millrace {

namespace internal {
[[nodiscard]] absl::Status WrongSize(std::string_view type, size_t expected, size_t actual);
[[nodiscard]] absl::Status BadList(std::string_view why);
/// Memory behind a string, sizeof included.
[[nodiscard]] inline size_t StringMemory(const std::string& s) {
  return sizeof(std::string) + (s.capacity() > 15 ? s.capacity() + 1 : 0);
}

[[nodiscard]] inline SerdeFingerprint LayoutNamed(std::string name) {
  SerdeFingerprint fingerprint;
  fingerprint.name = std::move(name);
  return fingerprint;
}
/// "list<string>"; without a name if the inner serde has none.
[[nodiscard]] SerdeFingerprint LayoutAround(std::string_view name, SerdeFingerprint inner);

/// Big-endian integers and IEEE floats of fixed size.
template <class T, class Int>
struct FixedSizeSerde {
  void Serialize(const T& value, Bytes* out) const { PutBigEndian(std::bit_cast<Int>(value), out); }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, T* value) const {
    if (bytes.size() != sizeof(T)) return WrongSize("a number", sizeof(T), bytes.size());
    *value = std::bit_cast<T>(GetBigEndian<Int>(bytes.data()));
    return absl::OkStatus();
  }
  [[nodiscard]] size_t MemoryBytes(const T&) const { return sizeof(T); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const {
    const std::string bits = std::to_string(sizeof(T) * 8);
    return LayoutNamed((std::is_floating_point_v<T> ? "float" : "int") + bits);
  }
};
}  // namespace internal

/// UTF-8 text, and byte arrays (`Bytes` is std::string). Follows `StringSerializer` and `ByteArraySerializer`.
template <>
struct Serde<std::string> {
  void Serialize(const std::string& value, Bytes* out) const { out->append(value); }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, std::string* value) const {
    value->assign(bytes);
    return absl::OkStatus();
  }
  [[nodiscard]] size_t MemoryBytes(const std::string& value) const { return internal::StringMemory(value); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::LayoutNamed("string"); }
};

/// Byte arrays as vectors. Follows `ByteArraySerializer`.
template <>
struct Serde<std::vector<uint8_t>> {
  void Serialize(const std::vector<uint8_t>& value, Bytes* out) const { out->append(value.begin(), value.end()); }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, std::vector<uint8_t>* value) const {
    value->assign(bytes.begin(), bytes.end());
    return absl::OkStatus();
  }
  [[nodiscard]] size_t MemoryBytes(const std::vector<uint8_t>& value) const { return sizeof(value) + value.capacity(); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::LayoutNamed("string"); }  // the same bytes
};

/// Follow `ShortSerializer`, `IntegerSerializer`, `LongSerializer`, `FloatSerializer`, `DoubleSerializer`: big-endian.
template <>
struct Serde<int16_t> : internal::FixedSizeSerde<int16_t, int16_t> {};
template <>
struct Serde<int32_t> : internal::FixedSizeSerde<int32_t, int32_t> {};
template <>
struct Serde<int64_t> : internal::FixedSizeSerde<int64_t, int64_t> {};
template <>
struct Serde<float> : internal::FixedSizeSerde<float, int32_t> {};
template <>
struct Serde<double> : internal::FixedSizeSerde<double, int64_t> {};

/// One byte, 1 or 0. Follows `BooleanSerializer`.
template <>
struct Serde<bool> {
  void Serialize(const bool& value, Bytes* out) const { out->push_back(value ? 1 : 0); }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, bool* value) const;
  [[nodiscard]] size_t MemoryBytes(const bool&) const { return sizeof(bool); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::LayoutNamed("boolean"); }
};

namespace internal {
/// Types whose elements Java writes without a length of their own.
template <class T>
inline constexpr bool kFixedSizeInLists = std::is_same_v<T, int16_t> || std::is_same_v<T, int32_t> ||
                                          std::is_same_v<T, int64_t> || std::is_same_v<T, float> || std::is_same_v<T, double>;

/// Takes lists apart; `element(i, bytes or null)` gets each in order.
class ListReader {
 public:
  explicit ListReader(BytesView bytes) : rest_(bytes) {}
  /// Reads the head. fixed_size 0 = elements have their own lengths.
  [[nodiscard]] absl::Status Start(size_t fixed_size);
  [[nodiscard]] int32_t size() const { return size_; }
  [[nodiscard]] absl::Status Next(NullableBytesView* element);

 private:
  [[nodiscard]] bool ReadInt(int32_t* value);
  BytesView rest_;
  size_t fixed_size_ = 0;
  int32_t size_ = 0;
  int32_t next_ = 0;
  std::vector<int32_t> nulls_;
};
void StartList(bool fixed_size, const std::vector<int32_t>& nulls, size_t size, Bytes* out);
}  // namespace internal

/// Lists whose elements may be null. Numbers are written side by side with an index of the nulls, all else with a length each.
/// Follows `ListSerializer` over the element's serializer.
template <class T>
struct NullableListSerde {
  AnySerde<T> element;

  NullableListSerde() requires HasSerde<T>
  = default;
  explicit NullableListSerde(AnySerde<T> serde) : element(std::move(serde)) {}

  void Serialize(const std::vector<std::optional<T>>& list, Bytes* out) const {
    std::vector<int32_t> nulls;
    for (size_t i = 0; i < list.size(); ++i) {
      if (!list[i]) nulls.push_back(static_cast<int32_t>(i));
    }
    internal::StartList(internal::kFixedSizeInLists<T>, nulls, list.size(), out);
    for (const std::optional<T>& e : list) Append(e ? &*e : nullptr, out);
  }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, std::vector<std::optional<T>>* list) const {
    internal::ListReader reader(bytes);
    if (absl::Status s = reader.Start(internal::kFixedSizeInLists<T> ? sizeof(T) : 0); !s.ok()) return s;
    list->clear();
    for (int32_t i = 0; i < reader.size(); ++i) {
      NullableBytesView e;
      if (absl::Status s = reader.Next(&e); !s.ok()) return s;
      list->emplace_back();
      if (!e) continue;
      list->back().emplace();
      if (absl::Status s = element.Deserialize(*e, &*list->back()); !s.ok()) return s;
    }
    return absl::OkStatus();
  }
  [[nodiscard]] size_t MemoryBytes(const std::vector<std::optional<T>>& list) const {
    size_t bytes = sizeof(list) + (list.capacity() - list.size()) * sizeof(std::optional<T>);
    for (const std::optional<T>& e : list) bytes += e ? element.MemoryBytes(*e) : sizeof(e);
    return bytes;
  }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::LayoutAround("list", element.Fingerprint()); }
  void Append(const T* value, Bytes* out) const {
    if constexpr (internal::kFixedSizeInLists<T>) {
      if (value != nullptr) element.Serialize(*value, out);
    } else if (value == nullptr) {
      internal::PutBigEndian<int32_t>(-1, out);
    } else {
      const size_t at = out->size();
      internal::PutBigEndian<int32_t>(0, out);
      element.Serialize(*value, out);
      internal::SetBigEndian(static_cast<int32_t>(out->size() - at - 4), out->data() + at);
    }
  }
};

/// Lists without nulls; a null element met while reading is an error. Follows `ListSerializer`.
template <class T>
struct ListSerde {
  NullableListSerde<T> nullable;

  ListSerde() requires HasSerde<T>
  = default;
  explicit ListSerde(AnySerde<T> serde) : nullable(std::move(serde)) {}

  void Serialize(const std::vector<T>& list, Bytes* out) const {
    internal::StartList(internal::kFixedSizeInLists<T>, {}, list.size(), out);
    for (const T& e : list) nullable.Append(&e, out);
  }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, std::vector<T>* list) const {
    std::vector<std::optional<T>> elements;
    if (absl::Status s = nullable.Deserialize(bytes, &elements); !s.ok()) return s;
    list->clear();
    for (std::optional<T>& e : elements) {
      if (!e) return internal::BadList("an element is null");
      list->push_back(std::move(*e));
    }
    return absl::OkStatus();
  }
  [[nodiscard]] size_t MemoryBytes(const std::vector<T>& list) const {
    size_t bytes = sizeof(list) + (list.capacity() - list.size()) * sizeof(T);
    for (const T& e : list) bytes += nullable.element.MemoryBytes(e);
    return bytes;
  }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return nullable.Fingerprint(); }
};

namespace internal {
[[nodiscard]] Timestamp WindowEnd(Timestamp start, std::chrono::milliseconds size);
}

/// Keys of time-windowed results in output topics: the key, then the window's start; the size is not written, so it must be
/// known. Follows `TimeWindowedSerializer`.
template <class K>
struct TimeWindowedSerde {
  AnySerde<K> inner;
  std::chrono::milliseconds window_size;

  void Serialize(const Windowed<K>& value, Bytes* out) const {
    inner.Serialize(value.key, out);
    internal::PutBigEndian(value.window.start.millis(), out);
  }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, Windowed<K>* value) const {
    if (bytes.size() < 8) return internal::WrongSize("a windowed key", 8, bytes.size());
    const char* at = bytes.data() + bytes.size() - 8;
    value->window.start = Timestamp::FromMillis(internal::GetBigEndian<int64_t>(at));
    value->window.end = internal::WindowEnd(value->window.start, window_size);
    return inner.Deserialize(bytes.substr(0, bytes.size() - 8), &value->key);
  }
  [[nodiscard]] size_t MemoryBytes(const Windowed<K>& value) const { return inner.MemoryBytes(value.key) + sizeof(Window); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::LayoutAround("time-windowed", inner.Fingerprint()); }
};

/// Keys of session results in output topics: the key, the session's end, then its start. Follows `SessionWindowedSerializer`.
template <class K>
struct SessionWindowedSerde {
  AnySerde<K> inner;

  void Serialize(const Windowed<K>& value, Bytes* out) const {
    inner.Serialize(value.key, out);
    internal::PutBigEndian(value.window.end.millis(), out);
    internal::PutBigEndian(value.window.start.millis(), out);
  }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, Windowed<K>* value) const {
    if (bytes.size() < 16) return internal::WrongSize("a session key", 16, bytes.size());
    const char* at = bytes.data() + bytes.size() - 16;
    value->window.end = Timestamp::FromMillis(internal::GetBigEndian<int64_t>(at));
    value->window.start = Timestamp::FromMillis(internal::GetBigEndian<int64_t>(at + 8));
    return inner.Deserialize(bytes.substr(0, bytes.size() - 16), &value->key);
  }
  [[nodiscard]] size_t MemoryBytes(const Windowed<K>& value) const { return inner.MemoryBytes(value.key) + sizeof(Window); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::LayoutAround("session-windowed", inner.Fingerprint()); }
};

}  // namespace millrace

#endif  // MILLRACE_STATE_SERDES_H_
