#include "table/unique_ids.h"

#include <cstring>
#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace millrace::warehouse {

std::string RandomBytes(size_t count) {
  std::random_device device;
  std::string bytes;
  bytes.reserve(count + sizeof(unsigned));
  while (bytes.size() < count) {
    const unsigned word = device();
    char part[sizeof(word)];
    std::memcpy(part, &word, sizeof(word));
    bytes.append(part, sizeof(part));
  }
  bytes.resize(count);
  return bytes;
}

std::string NewUuid() {
  std::string bytes = RandomBytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // the variant of the RFC
  const std::string hex = absl::BytesToHexString(bytes);
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-", hex.substr(16, 4), "-",
                      hex.substr(20));
}

int64_t NewSnapshotId() {
  while (true) {
    const std::string bytes = RandomBytes(sizeof(int64_t));
    int64_t id = 0;
    std::memcpy(&id, bytes.data(), sizeof(id));
    id &= INT64_MAX;
    if (id != 0) return id;
  }
}

}  // namespace millrace::warehouse
