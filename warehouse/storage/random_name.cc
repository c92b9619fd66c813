#include "storage/random_name.h"

#include <random>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {

uint64_t RandomBits() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

std::string RandomName() {
  return absl::StrCat(absl::Hex(RandomBits(), absl::kZeroPad16), absl::Hex(RandomBits(), absl::kZeroPad16));
}

std::string TemporaryName() { return absl::StrCat(".millrace-tmp-", RandomName()); }

}  // namespace millrace::warehouse
