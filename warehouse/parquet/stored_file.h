#ifndef MILLRACE_WAREHOUSE_PARQUET_STORED_FILE_H_
#define MILLRACE_WAREHOUSE_PARQUET_STORED_FILE_H_

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "storage/storage.h"

namespace millrace::warehouse {

/// A file of a storage as Arrow reads files. A request to an object store takes as long as some MiB of its answer, and Parquet
/// reads in small steps: so whole pieces of the file are asked for, and one is in memory. Not thread-safe; the storage outlives
/// it.
class StoredFile final : public arrow::io::RandomAccessFile {
 public:
  struct Piece {
    int64_t begin = 0;
    int64_t end = 0;
  };

  /// A small file is one piece.
  StoredFile(Storage* storage, std::string path, int64_t size_bytes);

  /// Row groups, say; what lies in none of them is read by itself.
  void SetPieces(std::vector<Piece> pieces);
  /// Why the storage could not be read, for Arrow's own errors do not tell.
  [[nodiscard]] const absl::Status& error() const { return error_; }

  arrow::Status Close() override;
  [[nodiscard]] bool closed() const override { return closed_; }
  [[nodiscard]] arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Seek(int64_t position) override;
  arrow::Result<int64_t> GetSize() override { return size_bytes_; }
  arrow::Result<int64_t> Read(int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override;
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t size) override;

 private:
  arrow::Result<std::shared_ptr<arrow::Buffer>> Fetch(const Piece& piece);

  Storage* const storage_;
  const std::string path_;
  const int64_t size_bytes_;
  std::vector<Piece> pieces_;
  Piece held_piece_;
  std::shared_ptr<arrow::Buffer> held_;
  absl::Status error_;
  int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_STORED_FILE_H_
