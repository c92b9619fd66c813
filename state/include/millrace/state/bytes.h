#ifndef MILLRACE_STATE_BYTES_H_
#define MILLRACE_STATE_BYTES_H_

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// Serialised keys and values. Order is that of unsigned bytes (std::string's compare), as in Kafka and RocksDB.
using Bytes = std::string;
using BytesView = std::string_view;

/// A key or value as Kafka knows it: bytes, or null.
using NullableBytes = std::optional<Bytes>;
using NullableBytesView = std::optional<BytesView>;

}  // namespace millrace

#endif  // MILLRACE_STATE_BYTES_H_
