#include "reading/record_rows.h"

#include <google/protobuf/descriptor.h>

#include <optional>
#include <utility>

#include "landing/landing_policy.h"
#include "parquet/arrow_columns.h"
#include "protobuf/load_message.h"
#include "protobuf/row_decoder.h"
#include "protobuf/table_schema.h"
#include "reading/arrow_text.h"
#include "reading/table_info.h"

namespace millrace::warehouse {
namespace {

class DecodedRecords final : public RecordRows {
 public:
  explicit DecodedRecords(std::string topic) : topic_(std::move(topic)) {}

  absl::Status Open(const LandingDescription& description, const std::vector<std::string>& columns) {
    absl::StatusOr<LandingPolicy> policy = LandingPolicy::Parse(description.settings);
    if (!policy.ok()) return policy.status();
    absl::StatusOr<const google::protobuf::Descriptor*> message =
        LoadMessage(description.descriptor_set, description.message, &pool_);
    if (!message.ok()) return message.status();
    absl::StatusOr<MappedSchema> mapped = MapSchema(**message, policy->mapping);
    if (!mapped.ok()) return mapped.status();
    absl::StatusOr<std::unique_ptr<RowDecoder>> decoder =
        RowDecoder::Create(mapped->schema, mapped->record, **message, policy->mapping);
    if (!decoder.ok()) return decoder.status();
    decoder_ = *std::move(decoder);
    arrow_schema_ = ArrowSchema(mapped->schema);
    return Select(mapped->schema, columns);
  }

  [[nodiscard]] const std::vector<ColumnInfo>& columns() const override { return columns_; }

  absl::Status Append(int32_t partition, int64_t offset, int64_t timestamp_ms, NullableBytesView key,
                      NullableBytesView value) override {
    if (!value) return absl::InvalidArgumentError("the record has no value: it deletes its key");
    return decoder_->Append(*value, {topic_, partition, offset, timestamp_ms, key});
  }

  [[nodiscard]] int64_t pending_bytes() const override { return decoder_->batch().bytes(); }

  absl::StatusOr<int64_t> Read(TakeRow take) override {
    RowBatch& rows = decoder_->batch();
    const int64_t count = rows.rows();
    if (count == 0) return 0;
    const auto batches = ArrowTable(rows, arrow_schema_)->CombineChunksToBatch();
    if (!batches.ok()) return absl::InternalError(batches.status().ToString());
    if (absl::Status status = text_->Bind(**batches); !status.ok()) return status;
    for (int64_t row = 0; row < count; ++row) take(text_->Row(row));
    rows.Clear();
    return count;
  }

 private:
  absl::Status Select(const Schema& schema, const std::vector<std::string>& names) {
    absl::StatusOr<std::vector<Field>> fields = SelectFields(schema, names);
    if (!fields.ok()) return fields.status();
    for (const Field& field : *fields) columns_.push_back(DescribeColumn(field));
    text_.emplace(*std::move(fields));
    return absl::OkStatus();
  }

  const std::string topic_;
  google::protobuf::DescriptorPool pool_;
  std::unique_ptr<RowDecoder> decoder_;
  std::shared_ptr<arrow::Schema> arrow_schema_;
  std::vector<ColumnInfo> columns_;
  std::optional<ArrowText> text_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordRows>> OpenRecordRows(const LandingDescription& description,
                                                           const std::vector<std::string>& columns) {
  auto rows = std::make_unique<DecodedRecords>(description.topic);
  if (absl::Status status = rows->Open(description, columns); !status.ok()) return status;
  return rows;
}

}  // namespace millrace::warehouse
