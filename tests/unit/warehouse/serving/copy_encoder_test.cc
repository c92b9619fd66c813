#include "serving/copy_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/escaping.h"

namespace millrace::warehouse {
namespace {

using testing::HasSubstr;

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

std::string Numeric(absl::int128 unscaled, int scale) {
  std::string field;
  AppendCopyNumeric(unscaled, scale, &field);
  return Hex(field);
}

// As the server's numeric_send gives them: length, digits, weight, sign, scale, digits to the base 10,000.
TEST(CopyEncoderTest, WritesNumerics) {
  EXPECT_EQ(Numeric(0, 2), "000000080000000000000002");
  EXPECT_EQ(Numeric(1, 0), "0000000a00010000000000000001");
  EXPECT_EQ(Numeric(-1, 0), "0000000a00010000400000000001");
  EXPECT_EQ(Numeric(123456, 2),
            "0000000c0002000000000002"
            "04d215e0")
      << "1234.56";
  EXPECT_EQ(Numeric(5, 2), "0000000a0001ffff0000000201f4") << "0.05";
  EXPECT_EQ(Numeric(5, 9), "0000000a0001fffd000000091388") << "0.000000005";
  EXPECT_EQ(Numeric(100'000'000, 0), "0000000a00010002000000000001");
  const absl::int128 greatest = absl::MakeInt128(0x4b3b4ca85a86c47a, 0x098a223fffffffff);  // 38 nines
  EXPECT_EQ(Numeric(greatest, 0), "0000001c000a0009000000000063270f270f270f270f270f270f270f270f270f");
  EXPECT_EQ(Numeric(greatest, 38), "0000001c000affff00000026270f270f270f270f270f270f270f270f270f26ac");
}

TEST(CopyEncoderTest, CountsInstantsFrom2000) {
  std::string field;
  EXPECT_TRUE(AppendCopyInstant(946'684'800'000'001, &field));
  EXPECT_EQ(Hex(field), "000000080000000000000001");
  EXPECT_TRUE(AppendCopyInstant(INT64_MAX, &field));
  EXPECT_FALSE(AppendCopyInstant(INT64_MIN, &field));
}

Field Column(int id, const char* name, Type::Kind kind, bool required = false) {
  Field field;
  field.id = id;
  field.name = name;
  field.required = required;
  field.type.kind = kind;
  return field;
}

class CopyEncoderRows : public testing::Test {
 protected:
  CopyEncoderRows() {
    schema_.fields = {Column(1, "flag", Type::Kind::kBoolean),   Column(2, "text", Type::Kind::kString),
                      Column(3, "at", Type::Kind::kTimestampTz), Column(4, "day", Type::Kind::kDate),
                      Column(5, "json", Type::Kind::kString),    Column(6, "ratio", Type::Kind::kFloat)};
    batch_ = std::make_unique<RowBatch>(schema_);
    for (const Field& field : schema_.fields) columns_.push_back({field, PostgresType(field.type), false});
    columns_[4].type = "jsonb";
  }
  std::string Append() {
    batch_->FinishRow();
    CopyEncoder encoder(*batch_, columns_);
    std::string out;
    std::string error;
    if (!encoder.Append(batch_->rows() - 1, &out, &error)) return error;
    key_size_ = encoder.key_size();
    return Hex(out);
  }

  Schema schema_;
  std::unique_ptr<RowBatch> batch_;
  std::vector<ServingColumn> columns_;
  size_t key_size_ = 0;
};

TEST_F(CopyEncoderRows, WritesEachColumnWithItsLength) {
  batch_->Find<FixedColumn<uint8_t>>(1)->Set(0, 1);
  ASSERT_TRUE(batch_->Find<BytesColumn>(2)->Set(0, "ab"));
  batch_->Find<FixedColumn<int64_t>>(3)->Set(0, 946'684'800'000'002);
  batch_->Find<FixedColumn<int32_t>>(4)->Set(0, 10958);
  ASSERT_TRUE(batch_->Find<BytesColumn>(5)->Set(0, "{}"));
  batch_->Find<FixedColumn<float>>(6)->Set(0, 1.0F);
  EXPECT_EQ(Append(),
            "0000000101"
            "000000026162"
            "000000080000000000000002"
            "0000000400000001"
            "00000003017b7d"
            "000000043f800000");
  EXPECT_EQ(key_size_, 0);
}

TEST_F(CopyEncoderRows, NullIsALengthOfMinusOne) { EXPECT_EQ(Append(), std::string(6 * 8, 'f')); }

TEST_F(CopyEncoderRows, TellsWhereTheKeyEnds) {
  columns_[0].key = columns_[1].key = true;
  batch_->Find<FixedColumn<uint8_t>>(1)->Set(0, 0);
  ASSERT_TRUE(batch_->Find<BytesColumn>(2)->Set(0, "ab"));
  Append();
  EXPECT_EQ(key_size_, 11);
}

TEST_F(CopyEncoderRows, SaysWhatPostgresqlCannotHold) {
  ASSERT_TRUE(batch_->Find<BytesColumn>(2)->Set(0, std::string_view("a\0b", 3)));
  EXPECT_THAT(Append(), HasSubstr("column text holds a NUL character"));
  ASSERT_TRUE(batch_->Find<BytesColumn>(5)->Set(1, R"({"a":"\u0000"})"));
  EXPECT_THAT(Append(), HasSubstr("column json holds a NUL character"));
  batch_->Find<FixedColumn<int64_t>>(3)->Set(2, INT64_MIN);
  EXPECT_THAT(Append(), HasSubstr("column at is an instant before 4714 BC"));
  batch_->Find<FixedColumn<int32_t>>(4)->Set(3, INT32_MIN);
  EXPECT_THAT(Append(), HasSubstr("column day is a day before 4714 BC"));
  columns_[1].key = true;
  EXPECT_THAT(Append(), HasSubstr("column text is part of the key and not set"));
  ASSERT_TRUE(batch_->Find<BytesColumn>(2)->Set(5, std::string(2700, 'x')));
  EXPECT_THAT(Append(), HasSubstr("the key has"));
}

}  // namespace
}  // namespace millrace::warehouse
