#ifndef MILLRACE_WAREHOUSE_SERVING_COPY_ENCODER_H_
#define MILLRACE_WAREHOUSE_SERVING_COPY_ENCODER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/numeric/int128.h"
#include "parquet/row_batch.h"
#include "serving/serving_columns.h"

namespace millrace::warehouse {

// Rows in the binary format of COPY (PostgreSQL documentation, "COPY", "Binary Format"): numbers are big-endian.

/// What stands before the first row and after the last.
inline constexpr std::string_view kCopyHeader{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
inline constexpr std::string_view kCopyTrailer{"\377\377", 2};

/// What a key may take: a page of an index has entries of up to a third of it (2,704 bytes).
inline constexpr size_t kMaxKeyBytes = 2600;

/// Fields of a row, one after another, each with its length before it.
void AppendCopyCount(int16_t fields, std::string* row);
void AppendCopyNull(std::string* row);
void AppendCopyInt16(int16_t value, std::string* row);
void AppendCopyInt32(int32_t value, std::string* row);
void AppendCopyInt64(int64_t value, std::string* row);
void AppendCopyBytes(std::string_view value, std::string* row);
/// A decimal times 10^scale.
void AppendCopyNumeric(absl::int128 unscaled, int scale, std::string* row);
/// An instant in microseconds since 1970; false if PostgreSQL has none so early.
[[nodiscard]] bool AppendCopyInstant(int64_t micros, std::string* row);

/// Writes rows of a batch as fields of COPY. Not thread-safe.
class CopyEncoder {
 public:
  /// `batch` outlives it and has columns for all of `columns`.
  CopyEncoder(const RowBatch& batch, const std::vector<ServingColumn>& columns);

  /// Appends the fields of a row in the order of the columns. False: PostgreSQL cannot hold it, `error` says which column and
  /// why; `out` has a part of the row then.
  bool Append(int64_t row, std::string* out, std::string* error);
  /// Where in what was appended last the fields of the key end, from where it began.
  [[nodiscard]] size_t key_size() const { return key_size_; }

 private:
  struct Source {
    const ServingColumn* column;
    const Column* values;
  };

  bool AppendField(const Source& source, int64_t row, std::string* out, std::string* error);
  bool AppendText(const Source& source, int64_t row, std::string* out, std::string* error);
  bool AppendJson(const Source& source, int64_t row, std::string* out, std::string* error);

  const std::vector<ServingColumn> columns_;
  std::vector<Source> sources_;
  size_t key_size_ = 0;
  std::string json_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_COPY_ENCODER_H_
