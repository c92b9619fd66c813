#include "parquet/footer_metrics.h"

#include <parquet/metadata.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/numeric/int128.h"
#include "parquet/single_value.h"

namespace millrace::warehouse {
namespace {

/// A bound of one kind over all row groups of a column, in a form that can be compared.
template <typename T>
struct Range {
  std::optional<T> min;
  std::optional<T> max;

  void Add(const T& low, const T& high) {
    min = min.has_value() ? std::min(*min, low) : low;
    max = max.has_value() ? std::max(*max, high) : high;
  }
};

absl::int128 FromBigEndian(const uint8_t* bytes, int length) {
  absl::uint128 result = length > 0 && bytes[0] >= 0x80 ? ~absl::uint128(0) : absl::uint128(0);
  for (int i = 0; i < length; ++i) {
    result = (result << 8) | bytes[i];
  }
  return absl::int128(result);
}

/// Bounds of one column.
class Bounds {
 public:
  Bounds(const Field& field, int type_length) : field_(field), type_length_(type_length) {}

  void Add(const parquet::ColumnChunkMetaData& chunk) {
    const std::shared_ptr<parquet::Statistics> statistics = chunk.statistics();
    if (statistics != nullptr && statistics->HasMinMax()) {
      AddMinMax(*statistics);
    } else if (statistics == nullptr || !statistics->HasNullCount() || statistics->null_count() != chunk.num_values()) {
      known_ = false;
    }
  }

  void WriteTo(DataFile* file) const {
    if (!known_) {
      return;
    }
    if (integers_.min.has_value()) {
      Write(Integer(*integers_.min), Integer(*integers_.max), file);
    } else if (floats_.min.has_value()) {
      const bool single = field_.type.kind == Type::Kind::kFloat;
      Write(single ? SingleValue(static_cast<float>(*floats_.min)) : SingleValue(*floats_.min),
            single ? SingleValue(static_cast<float>(*floats_.max)) : SingleValue(*floats_.max), file);
    } else if (texts_.min.has_value()) {
      const bool is_text = field_.type.kind == Type::Kind::kString;
      Write(LowerBound(*texts_.min, is_text), UpperBound(*texts_.max, is_text), file);
    }
  }

 private:
  template <typename D>
  static auto Typed(const parquet::Statistics& statistics) {
    const auto& typed = static_cast<const parquet::TypedStatistics<D>&>(statistics);
    return std::pair(typed.min(), typed.max());
  }

  void AddMinMax(const parquet::Statistics& statistics) {
    switch (statistics.physical_type()) {
      case parquet::Type::BOOLEAN: {
        const auto [min, max] = Typed<parquet::BooleanType>(statistics);
        integers_.Add(min ? 1 : 0, max ? 1 : 0);
        break;
      }
      case parquet::Type::INT32: {
        const auto [min, max] = Typed<parquet::Int32Type>(statistics);
        integers_.Add(min, max);
        break;
      }
      case parquet::Type::INT64: {
        const auto [min, max] = Typed<parquet::Int64Type>(statistics);
        integers_.Add(min, max);
        break;
      }
      case parquet::Type::FLOAT: {
        const auto [min, max] = Typed<parquet::FloatType>(statistics);
        floats_.Add(min, max);
        break;
      }
      case parquet::Type::DOUBLE: {
        const auto [min, max] = Typed<parquet::DoubleType>(statistics);
        floats_.Add(min, max);
        break;
      }
      case parquet::Type::FIXED_LEN_BYTE_ARRAY: {
        const auto [min, max] = Typed<parquet::FLBAType>(statistics);
        integers_.Add(FromBigEndian(min.ptr, type_length_), FromBigEndian(max.ptr, type_length_));
        break;
      }
      case parquet::Type::BYTE_ARRAY: {
        const auto [min, max] = Typed<parquet::ByteArrayType>(statistics);
        texts_.Add(std::string(std::string_view(min)), std::string(std::string_view(max)));
        break;
      }
      default:
        known_ = false;
    }
  }

  [[nodiscard]] std::string Integer(absl::int128 value) const {
    switch (field_.type.kind) {
      case Type::Kind::kBoolean:
        return SingleValue(static_cast<uint8_t>(value));
      case Type::Kind::kInt:
      case Type::Kind::kDate:
        return SingleValue(static_cast<int32_t>(value));
      case Type::Kind::kDecimal:
        return SingleDecimal(value);
      default:
        return SingleValue(static_cast<int64_t>(value));
    }
  }

  void Write(std::string lower, std::optional<std::string> upper, DataFile* file) const {
    file->lower_bounds[field_.id] = std::move(lower);
    if (upper.has_value()) {
      file->upper_bounds[field_.id] = *std::move(upper);
    }
  }

  const Field& field_;
  const int type_length_;
  bool known_ = true;
  Range<absl::int128> integers_;
  Range<double> floats_;
  Range<std::string> texts_;  // in the order of their bytes, which is that of code points
};

}  // namespace

void AddFooterMetrics(const parquet::FileMetaData& footer, const Schema& schema, DataFile* file) {
  file->record_count = footer.num_rows();
  for (int column = 0; column < footer.schema()->num_columns(); ++column) {
    const parquet::ColumnDescriptor* descriptor = footer.schema()->Column(column);
    const Field* field = schema.Find(descriptor->schema_node()->field_id());
    if (field == nullptr) {
      continue;
    }
    Bounds bounds(*field, descriptor->type_length());
    int64_t nulls = 0;
    bool nulls_known = true;
    for (int group = 0; group < footer.num_row_groups(); ++group) {
      const std::unique_ptr<parquet::ColumnChunkMetaData> chunk = footer.RowGroup(group)->ColumnChunk(column);
      file->column_size_bytes[field->id] += chunk->total_compressed_size();
      file->value_counts[field->id] += chunk->num_values();
      const std::shared_ptr<parquet::Statistics> statistics = chunk->statistics();
      nulls_known = nulls_known && statistics != nullptr && statistics->HasNullCount();
      nulls += nulls_known ? statistics->null_count() : 0;
      bounds.Add(*chunk);
    }
    if (nulls_known) {
      file->null_value_counts[field->id] = nulls;
    }
    if (descriptor->max_repetition_level() == 0) {
      bounds.WriteTo(file);
    }
  }
  for (int group = 0; group < footer.num_row_groups(); ++group) {
    const std::unique_ptr<parquet::ColumnChunkMetaData> first = footer.RowGroup(group)->ColumnChunk(0);
    const int64_t data = first->data_page_offset();
    file->split_offsets.push_back(first->has_dictionary_page() ? std::min(first->dictionary_page_offset(), data) : data);
  }
}

}  // namespace millrace::warehouse
