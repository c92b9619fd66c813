#include "task/offset_metadata.h"

#include <optional>

#include "absl/strings/escaping.h"

namespace millrace {
namespace {

constexpr char kTimeOnly = 1;
constexpr char kWithProcessors = 2;
constexpr std::string_view kOurMark = "MR1";

template <class Int>
void Append(Int value, std::string* out) {
  for (int shift = static_cast<int>(sizeof(Int)) * 8 - 8; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(static_cast<uint64_t>(value) >> shift));
  }
}

// Reads big-endian integers and strings from the front of a view; nullopt at its end.
struct Reader {
  std::string_view bytes;

  std::optional<std::string_view> Take(size_t n) {
    if (bytes.size() < n) return std::nullopt;
    const std::string_view taken = bytes.substr(0, n);
    bytes.remove_prefix(n);
    return taken;
  }
  template <class Int>
  std::optional<Int> Integer() {
    const std::optional<std::string_view> taken = Take(sizeof(Int));
    if (!taken) return std::nullopt;
    uint64_t value = 0;
    for (const char c : *taken) value = value << 8 | static_cast<unsigned char>(c);
    return static_cast<Int>(value);
  }
};

}  // namespace

std::string OffsetMetadata::Encode() const {
  std::string bytes(1, kWithProcessors);
  Append(partition_time.millis(), &bytes);
  if (!processor_times.empty() || !transactional_id.empty()) {
    Append(static_cast<int32_t>(processor_times.size()), &bytes);
    for (const auto& [name, time] : processor_times) {
      Append(static_cast<int32_t>(name.size()), &bytes);
      bytes += name;
      Append(time, &bytes);
    }
  }
  if (!transactional_id.empty()) {
    bytes += kOurMark;
    Append(static_cast<int32_t>(transactional_id.size()), &bytes);
    bytes += transactional_id;
  }
  return absl::Base64Escape(bytes);
}

OffsetMetadata OffsetMetadata::Decode(std::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &bytes) || bytes.empty()) return {};
  Reader reader{std::string_view(bytes).substr(1)};
  if (bytes[0] != kTimeOnly && bytes[0] != kWithProcessors) return {};
  const std::optional<int64_t> time = reader.Integer<int64_t>();
  if (!time) return {};
  OffsetMetadata metadata{Timestamp::FromMillis(*time), {}, {}};
  const std::optional<int32_t> count = bytes[0] == kWithProcessors ? reader.Integer<int32_t>() : std::nullopt;
  for (int32_t i = 0; count && i < *count; ++i) {
    const std::optional<int32_t> length = reader.Integer<int32_t>();
    const std::optional<std::string_view> name =
        length && *length >= 0 ? reader.Take(static_cast<size_t>(*length)) : std::nullopt;
    const std::optional<int64_t> value = reader.Integer<int64_t>();
    if (!name || !value) break;
    metadata.processor_times[std::string(*name)] = *value;
  }
  if (reader.Take(kOurMark.size()) == kOurMark) {
    const std::optional<int32_t> length = reader.Integer<int32_t>();
    if (length && *length >= 0) metadata.transactional_id = std::string(reader.Take(static_cast<size_t>(*length)).value_or(""));
  }
  return metadata;
}

}  // namespace millrace
