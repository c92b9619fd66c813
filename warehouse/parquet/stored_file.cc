#include "parquet/stored_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kSmallFileBytes = int64_t{8} << 20;

}  // namespace

StoredFile::StoredFile(Storage* storage, std::string path, int64_t size_bytes)
    : storage_(storage), path_(std::move(path)), size_bytes_(size_bytes) {
  if (size_bytes <= kSmallFileBytes) pieces_ = {{0, size_bytes}};
}

void StoredFile::SetPieces(std::vector<Piece> pieces) {
  if (size_bytes_ > kSmallFileBytes) pieces_ = std::move(pieces);
}

arrow::Status StoredFile::Close() {
  closed_ = true;
  held_.reset();
  return arrow::Status::OK();
}

arrow::Status StoredFile::Seek(int64_t position) {
  if (position < 0) return arrow::Status::IOError("a place before the file's beginning");
  position_ = position;
  return arrow::Status::OK();
}

arrow::Result<int64_t> StoredFile::Read(int64_t size, void* out) {
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position_, size, out));
  position_ += read;
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> StoredFile::Read(int64_t size) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> read, ReadAt(position_, size));
  position_ += read->size();
  return read;
}

arrow::Result<int64_t> StoredFile::ReadAt(int64_t position, int64_t size, void* out) {
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<arrow::Buffer> read, ReadAt(position, size));
  if (read->size() > 0) std::memcpy(out, read->data(), static_cast<size_t>(read->size()));
  return read->size();
}

arrow::Result<std::shared_ptr<arrow::Buffer>> StoredFile::ReadAt(int64_t position, int64_t size) {
  const Piece wanted{position, std::min(position + size, size_bytes_)};
  if (wanted.begin >= wanted.end) return std::make_shared<arrow::Buffer>(nullptr, 0);
  const auto contains = [&wanted](const Piece& piece) { return piece.begin <= wanted.begin && wanted.end <= piece.end; };
  if (held_ == nullptr || !contains(held_piece_)) {
    const auto piece = std::find_if(pieces_.begin(), pieces_.end(), contains);
    if (piece == pieces_.end()) return Fetch(wanted);
    held_.reset();  // before the next is there
    ARROW_ASSIGN_OR_RAISE(held_, Fetch(*piece));
    held_piece_ = *piece;
  }
  return arrow::SliceBuffer(held_, wanted.begin - held_piece_.begin, wanted.end - wanted.begin);
}

arrow::Result<std::shared_ptr<arrow::Buffer>> StoredFile::Fetch(const Piece& piece) {
  absl::StatusOr<std::string> bytes = storage_->ReadRange(path_, piece.begin, piece.end - piece.begin);
  if (bytes.ok() && static_cast<int64_t>(bytes->size()) < piece.end - piece.begin) {
    bytes = absl::DataLossError(absl::StrCat(path_, " is shorter than the ", size_bytes_, " bytes that its manifest says"));
  }
  if (!bytes.ok()) {
    error_ = bytes.status();
    return arrow::Status::IOError(error_.ToString());
  }
  return arrow::Buffer::FromString(*std::move(bytes));
}

}  // namespace millrace::warehouse
