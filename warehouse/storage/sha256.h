#ifndef MILLRACE_WAREHOUSE_STORAGE_SHA256_H_
#define MILLRACE_WAREHOUSE_STORAGE_SHA256_H_

#include <string>
#include <string_view>

namespace millrace::warehouse {

/// The SHA-256 hash (FIPS 180-4) in 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view data);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_SHA256_H_
