#ifndef MILLRACE_WAREHOUSE_TABLE_UNIQUE_IDS_H_
#define MILLRACE_WAREHOUSE_TABLE_UNIQUE_IDS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace millrace::warehouse {

/// `count` bytes from the random source of the machine. Thread-safe, as all here.
std::string RandomBytes(size_t count);

/// A random UUID of version 4 (RFC 9562), in lower case with hyphens.
std::string NewUuid();

/// A random id for a snapshot: positive, so that every engine can hold it.
int64_t NewSnapshotId();

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_UNIQUE_IDS_H_
