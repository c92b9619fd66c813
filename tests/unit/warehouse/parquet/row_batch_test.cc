#include "parquet/row_batch.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

Field Make(int id, std::string name, bool required, Type::Kind kind, std::vector<Field> fields = {}) {
  Field field;
  field.id = id;
  field.name = std::move(name);
  field.required = required;
  field.type.kind = kind;
  field.type.fields = std::move(fields);
  return field;
}

Schema Example() {
  Schema schema;
  schema.fields = {Make(1, "n", true, Type::Kind::kLong), Make(2, "t", false, Type::Kind::kString),
                   Make(3, "s", false, Type::Kind::kStruct, {Make(5, "x", true, Type::Kind::kInt)}),
                   Make(4, "l", true, Type::Kind::kList, {Make(6, "element", true, Type::Kind::kString)})};
  return schema;
}

void AddRow(RowBatch* batch, int64_t n) {
  const int64_t row = batch->rows();
  batch->Find<FixedColumn<int64_t>>(1)->Set(row, n);
  if (n % 2 == 0) {
    ASSERT_TRUE(batch->Find<BytesColumn>(2)->Set(row, std::to_string(n)));
    batch->Find<FixedColumn<int32_t>>(5)->Set(row, static_cast<int32_t>(n));
    batch->Find<StructColumn>(3)->Finish();
  }
  auto* elements = batch->Find<BytesColumn>(6);
  for (int64_t i = 0; i < n; ++i) {
    ASSERT_TRUE(elements->Set(elements->size(), "e"));
  }
  batch->Find<ListColumn>(4)->Finish();
  batch->FinishRow();
}

TEST(RowBatch, FindsColumnsAtAnyDepth) {
  const RowBatch batch(Example());
  EXPECT_NE(batch.Find<FixedColumn<int32_t>>(5), nullptr);
  EXPECT_NE(batch.Find<BytesColumn>(6), nullptr);
  EXPECT_EQ(batch.Find<BytesColumn>(5), nullptr);
  EXPECT_EQ(batch.Find(7), nullptr);
  EXPECT_EQ(batch.Find(0), nullptr);
}

TEST(RowBatch, HoldsNullsWhereNothingWasSet) {
  RowBatch batch(Example());
  AddRow(&batch, 1);
  AddRow(&batch, 2);
  EXPECT_EQ(batch.rows(), 2);
  EXPECT_TRUE(batch.Find(2)->IsNull(0));
  EXPECT_TRUE(batch.Find(3)->IsNull(0));
  EXPECT_FALSE(batch.Find(3)->IsNull(1));
  EXPECT_EQ(batch.Find(5)->size(), 2);
  EXPECT_EQ(batch.Find<BytesColumn>(2)->Get(1), "2");
  EXPECT_EQ(batch.Find<ListColumn>(4)->offsets(), (std::vector<int32_t>{0, 1, 3}));
}

TEST(RowBatch, ForgetsRowsAndUnfinishedOnes) {
  RowBatch batch(Example());
  for (int64_t n = 0; n < 5; ++n) {
    AddRow(&batch, n);
  }
  batch.Find<FixedColumn<int64_t>>(1)->Set(5, 7);
  auto* elements = batch.Find<BytesColumn>(6);
  ASSERT_TRUE(elements->Set(elements->size(), "left"));
  batch.Truncate(5);
  EXPECT_EQ(batch.Find(1)->size(), 5);
  EXPECT_EQ(elements->size(), 10);
  batch.Truncate(2);
  EXPECT_EQ(batch.rows(), 2);
  EXPECT_EQ(elements->size(), 1);
  EXPECT_EQ(batch.Find(5)->size(), 2);
  batch.Clear();
  EXPECT_EQ(batch.rows(), 0);
  AddRow(&batch, 4);
  EXPECT_EQ(batch.Find<BytesColumn>(2)->Get(0), "4");
}

TEST(RowBatch, TakesARangeOfAnother) {
  RowBatch from(Example());
  for (int64_t n = 0; n < 6; ++n) {
    AddRow(&from, n);
  }
  RowBatch to(Example());
  AddRow(&to, 2);
  to.AppendRange(from, 2, 5);
  EXPECT_EQ(to.rows(), 4);
  EXPECT_EQ(to.Find<FixedColumn<int64_t>>(1)->values(), (std::vector<int64_t>{2, 2, 3, 4}));
  EXPECT_TRUE(to.Find(2)->IsNull(2));
  EXPECT_EQ(to.Find<BytesColumn>(2)->Get(3), "4");
  EXPECT_EQ(to.Find<ListColumn>(4)->offsets(), (std::vector<int32_t>{0, 2, 4, 7, 11}));
  EXPECT_EQ(to.Find(6)->size(), 11);
}

TEST(RowBatch, SetsTheLastValueAnew) {
  RowBatch batch(Example());
  auto* text = batch.Find<BytesColumn>(2);
  ASSERT_TRUE(text->Set(0, "long text"));
  ASSERT_TRUE(text->Set(0, "x"));
  EXPECT_EQ(text->Get(0), "x");
  EXPECT_EQ(text->data(), "x");
  EXPECT_EQ(text->size(), 1);
}

}  // namespace
}  // namespace millrace::warehouse
