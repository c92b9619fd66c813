#ifndef MILLRACE_WAREHOUSE_STORAGE_RANDOM_NAME_H_
#define MILLRACE_WAREHOUSE_STORAGE_RANDOM_NAME_H_

#include <cstdint>
#include <string>

namespace millrace::warehouse {

/// From the system's source of randomness, so that processes that start together or were forked do not draw the same.
/// Thread-safe.
uint64_t RandomBits();
/// 32 hexadecimal digits that nobody else has.
std::string RandomName();
/// The name of a file that is not whole yet; hidden from readers of directories by its dot. What a killed writer leaves of them
/// shows in Storage::List, for the sweep of orphans.
std::string TemporaryName();

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_RANDOM_NAME_H_
