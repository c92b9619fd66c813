#ifndef MILLRACE_WAREHOUSE_TABLE_AVRO_CODEC_H_
#define MILLRACE_WAREHOUSE_TABLE_AVRO_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// Raw deflate (RFC 1951, without a header), as the codec "deflate" of Avro container files has it.
std::string Deflated(std::string_view bytes);

/// A block of an Avro container file as it was before its codec ("null", "deflate" or "zstandard"). InvalidArgument if it is
/// damaged or becomes larger than any writer makes a block (256 MiB); Unimplemented for other codecs.
absl::StatusOr<std::string> Decompressed(std::string_view block, const std::string& codec);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_AVRO_CODEC_H_
