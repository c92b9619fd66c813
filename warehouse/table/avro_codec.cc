#include "table/avro_codec.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

constexpr size_t kLargestBlock = size_t{256} << 20;
constexpr size_t kStep = size_t{64} << 10;
constexpr int kRawDeflate = -15;

// How much room the next step gets when `done` bytes are there: never more than one byte above the limit.
size_t NextStep(size_t done) { return std::min(std::max(kStep, done / 2), kLargestBlock + 1 - done); }

absl::Status Damaged() { return absl::InvalidArgumentError("a compressed block is damaged"); }

absl::Status TooLarge() { return absl::InvalidArgumentError(absl::StrCat("a block is larger than ", kLargestBlock, " bytes")); }

absl::StatusOr<std::string> Inflated(std::string_view block) {
  z_stream stream{};
  if (inflateInit2(&stream, kRawDeflate) != Z_OK) return absl::ResourceExhaustedError("no memory to decompress a block");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
  stream.avail_in = static_cast<uInt>(block.size());
  std::string bytes;
  int result = Z_OK;
  while (result == Z_OK) {
    const size_t done = bytes.size();
    if (done > kLargestBlock) return TooLarge();
    bytes.resize(done + NextStep(done));
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + done);
    stream.avail_out = static_cast<uInt>(bytes.size() - done);
    result = inflate(&stream, Z_NO_FLUSH);
    bytes.resize(bytes.size() - stream.avail_out);
  }
  if (bytes.size() > kLargestBlock) return TooLarge();
  if (result != Z_STREAM_END) return Damaged();
  return bytes;
}

absl::StatusOr<std::string> FromZstandard(std::string_view block) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
  if (!stream) return absl::ResourceExhaustedError("no memory to decompress a block");
  ZSTD_inBuffer in{block.data(), block.size(), 0};
  std::string bytes;
  size_t result = 1;
  while (in.pos < in.size || result != 0) {
    const size_t done = bytes.size();
    if (done > kLargestBlock) return TooLarge();
    bytes.resize(done + NextStep(done));
    ZSTD_outBuffer out{bytes.data() + done, bytes.size() - done, 0};
    const size_t consumed = in.pos;
    result = ZSTD_decompressStream(stream.get(), &out, &in);
    bytes.resize(done + out.pos);
    if (ZSTD_isError(result) || (in.pos == consumed && out.pos == 0)) return Damaged();
  }
  if (bytes.size() > kLargestBlock) return TooLarge();
  return bytes;
}

}  // namespace

std::string Deflated(std::string_view bytes) {
  z_stream stream{};
  constexpr int kMemoryLevel = 8;  // zlib's own default
  // Only a lack of memory can make it fail.
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawDeflate, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
  std::string compressed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);
  compressed.resize(compressed.size() - stream.avail_out);
  return compressed;
}

absl::StatusOr<std::string> Decompressed(std::string_view block, const std::string& codec) {
  if (block.size() > kLargestBlock) return TooLarge();
  if (codec == "null" || codec.empty()) return std::string(block);
  if (codec == "deflate") return Inflated(block);
  if (codec == "zstandard") return FromZstandard(block);
  return absl::UnimplementedError(absl::StrCat("codec '", codec, "' is not supported; write metadata with deflate or zstandard"));
}

}  // namespace millrace::warehouse
