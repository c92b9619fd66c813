#include "upkeep/arrow_rows.h"

#include <arrow/util/decimal.h>
#include <arrow/util/key_value_metadata.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

using Kind = Type::Kind;

std::shared_ptr<arrow::Field> WithId(const std::string& name, const std::shared_ptr<arrow::DataType>& type, int id) {
  return arrow::field(name, type, true, arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(id)}));
}

Field Column(int id, Kind kind, bool required = false) { return {id, "c" + std::to_string(id), required, {kind, 0, 0, {}}, ""}; }

/// One column with one null and one value.
template <class Builder, class Value>
std::shared_ptr<arrow::RecordBatch> NullAnd(const std::shared_ptr<arrow::DataType>& type, Value value) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  EXPECT_TRUE(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder).ok());
  EXPECT_TRUE(builder->AppendNull().ok());
  EXPECT_TRUE(static_cast<Builder*>(builder.get())->Append(value).ok());
  return arrow::RecordBatch::Make(arrow::schema({WithId("x", type, 1)}), 2, {builder->Finish().ValueOrDie()});
}

std::unique_ptr<RowBatch> Read(const arrow::RecordBatch& from, std::vector<Field> fields) {
  Schema schema;
  schema.fields = std::move(fields);
  auto batch = std::make_unique<RowBatch>(schema);
  const absl::Status status = AppendArrowRows(from, batch.get());
  EXPECT_TRUE(status.ok()) << status;
  return batch;
}

TEST(ArrowRowsTest, ReadsTypesAndWhatTheyWerePromotedTo) {
  const auto ints = NullAnd<arrow::Int32Builder>(arrow::int32(), -5);
  EXPECT_EQ(Read(*ints, {Column(1, Kind::kInt)})->Find<FixedColumn<int32_t>>(1)->values()[1], -5);
  const auto longs = Read(*ints, {Column(1, Kind::kLong)});
  EXPECT_EQ(longs->Find<FixedColumn<int64_t>>(1)->values()[1], -5);
  EXPECT_TRUE(longs->Find(1)->IsNull(0));
  const auto floats = NullAnd<arrow::FloatBuilder>(arrow::float32(), 0.5F);
  EXPECT_EQ(Read(*floats, {Column(1, Kind::kDouble)})->Find<FixedColumn<double>>(1)->values()[1], 0.5);
  const auto flags = NullAnd<arrow::BooleanBuilder>(arrow::boolean(), true);
  EXPECT_EQ(Read(*flags, {Column(1, Kind::kBoolean)})->Find<FixedColumn<uint8_t>>(1)->values()[1], 1);
  const auto texts = NullAnd<arrow::LargeStringBuilder>(arrow::large_utf8(), "ä");
  EXPECT_EQ(Read(*texts, {Column(1, Kind::kString)})->Find<BytesColumn>(1)->Get(1), "ä");
  const auto decimals = NullAnd<arrow::Decimal128Builder>(arrow::decimal128(10, 2), arrow::Decimal128(-12345));
  EXPECT_EQ(Read(*decimals, {{1, "d", false, {Kind::kDecimal, 20, 2, {}}, ""}})->Find<FixedColumn<absl::int128>>(1)->values()[1],
            -12345);
}

TEST(ArrowRowsTest, FindsColumnsByIdAndNotByName) {
  const auto from = NullAnd<arrow::Int32Builder>(arrow::int32(), 7);
  const auto batch = Read(*from, {Column(9, Kind::kString), Column(1, Kind::kInt)});
  EXPECT_EQ(batch->rows(), 2);
  EXPECT_TRUE(batch->Find(9)->IsNull(1));
  EXPECT_EQ(batch->Find<FixedColumn<int32_t>>(1)->values()[1], 7);
}

TEST(ArrowRowsTest, ReadsStructsOfWhichSomeAreNull) {
  auto values = std::make_shared<arrow::Int32Builder>();
  arrow::StructBuilder builder(arrow::struct_({WithId("a", arrow::int32(), 2)}), arrow::default_memory_pool(), {values});
  for (int row = 0; row < 6; ++row) {
    ASSERT_TRUE(builder.Append(row % 3 != 0).ok());
    ASSERT_TRUE(values->Append(row).ok());
  }
  const auto array = builder.Finish().ValueOrDie();
  const auto from = arrow::RecordBatch::Make(arrow::schema({WithId("s", array->type(), 1)}), 6, {array})->Slice(1);
  const auto batch = Read(*from, {{1, "s", false, {Kind::kStruct, 0, 0, {Column(2, Kind::kInt), Column(3, Kind::kInt)}}, ""}});
  ASSERT_EQ(batch->rows(), 5);
  EXPECT_TRUE(batch->Find(1)->IsNull(2));
  EXPECT_EQ(batch->Find<FixedColumn<int32_t>>(2)->values()[4], 5);
  EXPECT_TRUE(batch->Find(3)->IsNull(4)) << "the file has no such field";
}

TEST(ArrowRowsTest, RefusesATypeThatIsNoPromotion) {
  Schema schema;
  schema.fields = {Column(1, Kind::kInt)};
  RowBatch batch(schema);
  const auto longs = NullAnd<arrow::Int64Builder>(arrow::int64(), int64_t{1});
  EXPECT_EQ(AppendArrowRows(*longs, &batch).code(), absl::StatusCode::kUnimplemented);
}

TEST(ArrowRowsTest, RefusesNullsOfARequiredColumn) {
  Schema schema;
  schema.fields = {Column(1, Kind::kInt, /*required=*/true)};
  RowBatch batch(schema);
  EXPECT_EQ(AppendArrowRows(*NullAnd<arrow::Int32Builder>(arrow::int32(), 1), &batch).code(), absl::StatusCode::kUnimplemented);
  schema.fields = {Column(5, Kind::kInt, /*required=*/true)};
  RowBatch other(schema);
  EXPECT_EQ(AppendArrowRows(*NullAnd<arrow::Int32Builder>(arrow::int32(), 1), &other).code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace millrace::warehouse
