#ifndef MILLRACE_WAREHOUSE_TABLE_AVRO_FILE_H_
#define MILLRACE_WAREHOUSE_TABLE_AVRO_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "table/avro_schema.h"

namespace millrace::warehouse {

/// Avro object container files (Avro 1.11, "Object Container Files") in memory, as Iceberg's manifests are. No class here is
/// thread-safe; none keeps anything beyond its own life.

/// Appends values in Avro's binary encoding. What is an optional value stands in a union whose first branch is null.
class AvroEncoder {
 public:
  void Bool(bool value) { bytes_.push_back(value ? 1 : 0); }
  void Long(int64_t value);            // ints too
  void Bytes(std::string_view value);  // strings too
  void Null() { Long(0); }
  void NotNull() { Long(1); }
  /// Before the elements of an array, and after them.
  void BeginArray(size_t count);
  void EndArray() { Long(0); }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  void Clear() { bytes_.clear(); }

 private:
  std::string bytes_;
};

enum class AvroCodec { kNull, kDeflate };

class AvroFileWriter {
 public:
  /// `schema` is JSON; `metadata` comes into the header beside it. `sync_marker`: 16 random bytes.
  AvroFileWriter(const std::string& schema, const std::map<std::string, std::string>& metadata, AvroCodec codec,
                 std::string sync_marker);

  /// One value of the schema, encoded.
  void Append(std::string_view record);
  /// The whole file. Nothing can be appended afterwards.
  std::string Finish();

 private:
  void FinishBlock();

  AvroCodec codec_;
  std::string sync_marker_;
  std::string file_;
  std::string block_;
  int64_t block_records_ = 0;
};

/// A decoded value.
struct AvroValue {
  int node = 0;  // of the schema; of a union, its branch
  /// null, boolean, int or long (also of an enum), float or double, string or bytes or fixed, or parts: the fields of a record,
  /// the elements of an array, keys and values of a map in turn.
  std::variant<std::monostate, bool, int64_t, double, std::string, std::vector<AvroValue>> data;
};

/// A record, an array or a scalar in a file that is being read. Fields are found by their ids, in the schema of the file's
/// writer. Valid as long as the schema and the value are.
class AvroView {
 public:
  AvroView(const AvroSchema* schema, const AvroValue* value) : schema_(schema), value_(value) {}

  /// nullopt: the writer's schema has no such field, or it is null, or (for the typed ones) of another type.
  [[nodiscard]] std::optional<AvroView> Field(int field_id) const;
  [[nodiscard]] std::optional<int64_t> Long(int field_id) const;
  [[nodiscard]] std::optional<int> Int(int field_id) const;  // also nullopt if it does not fit
  [[nodiscard]] std::optional<bool> Bool(int field_id) const;
  [[nodiscard]] const std::string* Bytes(int field_id) const;  // nullptr instead of nullopt
  /// The elements of an array; none if there is no such field.
  [[nodiscard]] std::vector<AvroView> Elements(int field_id) const;

  /// What the value itself is, not one of its fields.
  [[nodiscard]] const AvroValue& value() const { return *value_; }
  [[nodiscard]] const AvroSchema::Node& node() const { return schema_->node(value_->node); }

 private:
  const AvroSchema* schema_;
  const AvroValue* value_;
};

/// A container file that somebody else may have written. Codecs: null, deflate, zstandard.
class AvroFileReader {
 public:
  /// Reads the header. `content` must outlive the reader; `file` is for messages. InvalidArgument: it is no Avro file, or
  /// damaged; Unimplemented: of a codec that is not known here.
  static absl::StatusOr<AvroFileReader> Open(std::string_view content, const std::string& file);

  /// What the header has beside the schema and the codec.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// "" if there is none.
  [[nodiscard]] std::string metadata(const std::string& name) const;
  [[nodiscard]] const AvroSchema& schema() const { return schema_; }

  /// Calls `record` with each value, valid during the call. Ends with the first error: that of a call, or InvalidArgument if the
  /// file is damaged, also behind values that have been given already.
  absl::Status ForEach(const std::function<absl::Status(const AvroView&)>& record) const;

 private:
  AvroFileReader() = default;

  std::string file_;
  std::string codec_;
  std::string sync_marker_;
  std::string_view blocks_;
  std::map<std::string, std::string> metadata_;
  AvroSchema schema_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_AVRO_FILE_H_
