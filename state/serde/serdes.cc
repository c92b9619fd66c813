#include "millrace/state/serdes.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace internal {

absl::Status WrongSize(std::string_view type, size_t expected, size_t actual) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", expected, " bytes for ", std::string(type), ", found ", actual,
                                                 "; is the right serde configured?"));
}

SerdeFingerprint LayoutAround(std::string_view name, SerdeFingerprint inner) {
  if (inner.name.empty()) return inner;
  inner.name = absl::StrCat(std::string(name), "<", inner.name, ">");
  return inner;
}

absl::Status BadList(std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("not a serialised list: ", std::string(why)));
}

bool ListReader::ReadInt(int32_t* value) {
  if (rest_.size() < 4) return false;
  *value = GetBigEndian<int32_t>(rest_.data());
  rest_.remove_prefix(4);
  return true;
}

absl::Status ListReader::Start(size_t fixed_size) {
  fixed_size_ = fixed_size;
  if (rest_.empty() || rest_[0] != (fixed_size > 0 ? 0 : 1)) return BadList("the first byte names another layout");
  rest_.remove_prefix(1);
  if (fixed_size > 0) {
    int32_t nulls = 0;
    if (!ReadInt(&nulls) || nulls < 0 || static_cast<size_t>(nulls) > rest_.size() / 4)
      return BadList("index of nulls cut short");
    nulls_.resize(nulls);
    for (int32_t& index : nulls_) {
      if (!ReadInt(&index)) return BadList("index of nulls cut short");
    }
  }
  if (!ReadInt(&size_) || size_ < 0) return BadList("no size");
  const size_t smallest = fixed_size > 0 ? fixed_size : 4;
  if (static_cast<size_t>(size_) > rest_.size() / smallest + nulls_.size()) return BadList("shorter than its size says");
  return absl::OkStatus();
}

absl::Status ListReader::Next(NullableBytesView* element) {
  *element = std::nullopt;
  const int32_t index = next_++;
  size_t length = fixed_size_;
  if (fixed_size_ > 0) {
    if (std::find(nulls_.begin(), nulls_.end(), index) != nulls_.end()) return absl::OkStatus();
  } else {
    int32_t written = 0;
    if (!ReadInt(&written) || written < -1) return BadList("no length of an element");
    if (written == -1) return absl::OkStatus();
    length = static_cast<size_t>(written);
  }
  if (rest_.size() < length) return BadList("an element is cut short");
  *element = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return absl::OkStatus();
}

void StartList(bool fixed_size, const std::vector<int32_t>& nulls, size_t size, Bytes* out) {
  out->push_back(fixed_size ? 0 : 1);
  if (fixed_size) {
    PutBigEndian(static_cast<int32_t>(nulls.size()), out);
    for (const int32_t index : nulls) PutBigEndian(index, out);
  }
  PutBigEndian(static_cast<int32_t>(size), out);
}

Timestamp WindowEnd(Timestamp start, std::chrono::milliseconds size) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (start.millis() > kMax - size.count()) return Timestamp::FromMillis(kMax);
  return start + size;
}

}  // namespace internal

absl::Status Serde<bool>::Deserialize(BytesView bytes, bool* value) const {
  if (bytes.size() != 1) return internal::WrongSize("a boolean", 1, bytes.size());
  if (bytes[0] != 0 && bytes[0] != 1) return absl::InvalidArgumentError("a boolean is neither 0 nor 1");
  *value = bytes[0] == 1;
  return absl::OkStatus();
}

}  // namespace millrace
