#ifndef MILLRACE_WAREHOUSE_PARQUET_ROW_BATCH_H_
#define MILLRACE_WAREHOUSE_PARQUET_ROW_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"
#include "table/types.h"

namespace millrace::warehouse {

/// The values of one field of a schema, one after another: a column, or what stands inside one. Columns of one batch grow row by
/// row: the value at index size() is the one that comes next. Not thread-safe.
class Column {
 public:
  explicit Column(const Field& field) : id_(field.id), required_(field.required), kind_(field.type.kind) {}
  virtual ~Column() = default;
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;

  [[nodiscard]] int id() const { return id_; }
  [[nodiscard]] bool required() const { return required_; }
  [[nodiscard]] Type::Kind kind() const { return kind_; }
  [[nodiscard]] int64_t size() const { return size_; }
  [[nodiscard]] bool IsNull(int64_t row) const { return !required_ && valid_[row] == 0; }
  /// One byte for each value, 1 where there is one; empty if the field is required.
  [[nodiscard]] const std::vector<uint8_t>& valid() const { return valid_; }

  /// A null. Where the field is required: zero, an empty text or list, as stands below a null struct.
  virtual void AppendNull() = 0;
  /// Forgets the values from `size` on, also one that is not finished.
  virtual void Truncate(int64_t size) = 0;
  /// Appends the values [begin, end) of another column of the same field.
  virtual void AppendRange(const Column& from, int64_t begin, int64_t end) = 0;
  /// How much memory the values take.
  [[nodiscard]] virtual int64_t bytes() const = 0;

 protected:
  /// Says of the value at `row`, which is the last one or comes next, that it is there.
  void MarkValid(int64_t row) {
    if (row == size_) {
      ++size_;
      if (!required_) {
        valid_.push_back(1);
      }
    } else if (!required_) {
      valid_[row] = 1;
    }
  }
  void MarkNull() {
    ++size_;
    if (!required_) {
      valid_.push_back(0);
    }
  }
  void TruncateValidity(int64_t size) {
    size_ = size < size_ ? size : size_;
    if (!required_) {
      valid_.resize(size_);
    }
  }
  void AppendValidity(const Column& from, int64_t begin, int64_t end) {
    size_ += end - begin;
    if (!required_) {
      valid_.insert(valid_.end(), from.valid_.begin() + begin, from.valid_.begin() + end);
    }
  }

 private:
  const int id_;
  const bool required_;
  const Type::Kind kind_;
  int64_t size_ = 0;
  std::vector<uint8_t> valid_;
};

/// Values of a fixed size. T is uint8_t for booleans, int32_t for int and date, int64_t for long and timestamptz, float, double,
/// and absl::int128 for decimals (the value times 10^scale).
template <typename T>
class FixedColumn : public Column {
 public:
  explicit FixedColumn(const Field& field) : Column(field) {}

  [[nodiscard]] const std::vector<T>& values() const { return values_; }
  /// Sets the value at `row`: the one that comes next, or the last one anew.
  void Set(int64_t row, T value) {
    if (row == size()) {
      values_.push_back(value);
    } else {
      values_[row] = value;
    }
    MarkValid(row);
  }
  void AppendNull() override {
    values_.push_back(T());
    MarkNull();
  }
  void Truncate(int64_t size) override {
    TruncateValidity(size);
    values_.resize(this->size());
  }
  void AppendRange(const Column& from, int64_t begin, int64_t end) override {
    const std::vector<T>& values = static_cast<const FixedColumn&>(from).values_;
    values_.insert(values_.end(), values.begin() + begin, values.begin() + end);
    AppendValidity(from, begin, end);
  }
  [[nodiscard]] int64_t bytes() const override { return static_cast<int64_t>(values_.size() * sizeof(T) + valid().size()); }

 private:
  std::vector<T> values_;
};

/// Texts or bytes.
class BytesColumn : public Column {
 public:
  explicit BytesColumn(const Field& field) : Column(field) {}

  /// size() + 1 positions in data().
  [[nodiscard]] const std::vector<int32_t>& offsets() const { return offsets_; }
  [[nodiscard]] const std::string& data() const { return data_; }
  [[nodiscard]] std::string_view Get(int64_t row) const {
    return std::string_view(data_).substr(offsets_[row], offsets_[row + 1] - offsets_[row]);
  }
  /// Sets the value at `row`: the one that comes next, or the last one anew. False, and nothing happened: all values together
  /// would be 2 GiB or more.
  [[nodiscard]] bool Set(int64_t row, std::string_view value);
  void AppendNull() override {
    offsets_.push_back(offsets_.back());
    MarkNull();
  }
  void Truncate(int64_t size) override;
  void AppendRange(const Column& from, int64_t begin, int64_t end) override;
  [[nodiscard]] int64_t bytes() const override {
    return static_cast<int64_t>(data_.size() + offsets_.size() * sizeof(int32_t) + valid().size());
  }

 private:
  std::vector<int32_t> offsets_{0};
  std::string data_;
};

/// Structs: all children have as many values as the struct, also where it is null.
class StructColumn : public Column {
 public:
  explicit StructColumn(const Field& field);

  [[nodiscard]] const std::vector<std::unique_ptr<Column>>& children() const { return children_; }
  /// Ends a value whose children have been set, but for those that are null.
  void Finish();
  void AppendNull() override;
  void Truncate(int64_t size) override;
  void AppendRange(const Column& from, int64_t begin, int64_t end) override;
  [[nodiscard]] int64_t bytes() const override;

 private:
  std::vector<std::unique_ptr<Column>> children_;
};

/// Lists and maps. The child of a map is a required struct of key and value.
class ListColumn : public Column {
 public:
  explicit ListColumn(const Field& field);

  /// size() + 1 positions in child().
  [[nodiscard]] const std::vector<int32_t>& offsets() const { return offsets_; }
  [[nodiscard]] Column& child() const { return *child_; }
  /// Ends a value: what was appended to child() since the last one.
  void Finish() {
    offsets_.push_back(static_cast<int32_t>(child_->size()));
    MarkValid(size());
  }
  void AppendNull() override {
    offsets_.push_back(offsets_.back());
    MarkNull();
  }
  void Truncate(int64_t size) override;
  void AppendRange(const Column& from, int64_t begin, int64_t end) override;
  [[nodiscard]] int64_t bytes() const override;

 private:
  std::vector<int32_t> offsets_{0};
  std::unique_ptr<Column> child_;
};

/// Rows of a table, in columns. Not thread-safe.
class RowBatch {
 public:
  explicit RowBatch(Schema schema);

  [[nodiscard]] const Schema& schema() const { return schema_; }
  [[nodiscard]] int64_t rows() const { return root_.size(); }
  [[nodiscard]] int64_t bytes() const { return root_.bytes(); }
  [[nodiscard]] const std::vector<std::unique_ptr<Column>>& columns() const { return root_.children(); }
  /// The column with this field id, at any depth; nullptr if there is none. Lives as long as the batch.
  [[nodiscard]] Column* Find(int field_id) const;
  /// The same, as what the schema says it is: FixedColumn<int64_t> of a long.
  template <typename C>
  [[nodiscard]] C* Find(int field_id) const {
    return dynamic_cast<C*>(Find(field_id));
  }

  /// Ends a row. Columns that were not set are null, or zero if they are required.
  void FinishRow() { root_.Finish(); }
  /// Forgets the rows from `rows` on, also one that is not finished.
  void Truncate(int64_t rows) { root_.Truncate(rows); }
  void Clear() { Truncate(0); }
  /// Appends the rows [begin, end) of another batch with the same schema.
  void AppendRange(const RowBatch& from, int64_t begin, int64_t end) { root_.AppendRange(from.root_, begin, end); }

 private:
  Schema schema_;
  StructColumn root_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_ROW_BATCH_H_
