#include "reading/arrow_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parquet/arrow_columns.h"
#include "parquet/row_batch.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;
using testing::Optional;

Type Plain(Type::Kind kind) {
  Type type;
  type.kind = kind;
  return type;
}

Field Named(int id, const std::string& name, Type type) {
  Field field;
  field.id = id;
  field.name = name;
  field.type = std::move(type);
  return field;
}

Type Nested(Type::Kind kind, std::vector<Field> fields) {
  Type type = Plain(kind);
  type.fields = std::move(fields);
  return type;
}

std::shared_ptr<arrow::RecordBatch> BatchOf(const RowBatch& rows) {
  return *ArrowTable(rows, ArrowSchema(rows.schema()))->CombineChunksToBatch();
}

TEST(ArrowText, NestedValuesAreJsonWithoutMembersThatAreNull) {
  Field key = Named(6, "key", Plain(Type::Kind::kInt));
  key.required = true;
  Schema schema;
  schema.fields = {
      Named(1, "s",
            Nested(Type::Kind::kStruct, {Named(3, "x", Plain(Type::Kind::kInt)), Named(4, "y", Plain(Type::Kind::kString))})),
      Named(2, "m", Nested(Type::Kind::kMap, {key, Named(7, "value", Plain(Type::Kind::kDouble))}))};
  RowBatch rows(schema);
  rows.Find<FixedColumn<int32_t>>(3)->Set(0, 4);
  rows.Find<StructColumn>(1)->Finish();
  auto* map = rows.Find<ListColumn>(2);
  auto& entry = static_cast<StructColumn&>(map->child());
  for (const int32_t number : {7, 8}) {
    static_cast<FixedColumn<int32_t>&>(*entry.children()[0]).Set(number - 7, number);
    if (number == 7) static_cast<FixedColumn<double>&>(*entry.children()[1]).Set(0, 0.5);
    entry.Finish();
  }
  map->Finish();
  rows.FinishRow();
  rows.FinishRow();
  const auto batch = BatchOf(rows);
  ArrowText text(schema.fields);
  ASSERT_TRUE(text.Bind(*batch).ok());
  EXPECT_THAT(text.Row(0), ElementsAre(Optional(Eq(R"({"x":4})")), Optional(Eq(R"({"7":0.5,"8":null})"))));
  EXPECT_EQ(text.Row(1)[0], std::nullopt);
}

TEST(ArrowText, ValuesOfOlderFilesBecomeWhatTheirColumnIsNow) {
  Schema old;
  old.fields = {Named(1, "n", Plain(Type::Kind::kInt)), Named(2, "f", Plain(Type::Kind::kFloat))};
  RowBatch rows(old);
  rows.Find<FixedColumn<int32_t>>(1)->Set(0, -7);
  rows.Find<FixedColumn<float>>(2)->Set(0, 0.1F);
  rows.FinishRow();
  const auto batch = BatchOf(rows);
  ArrowText text({Named(3, "added", Plain(Type::Kind::kString)), Named(2, "renamed", Plain(Type::Kind::kDouble)),
                  Named(1, "n", Plain(Type::Kind::kLong))});
  ASSERT_TRUE(text.Bind(*batch).ok());
  EXPECT_THAT(text.Row(0), ElementsAre(Eq(std::nullopt), Optional(Eq("0.10000000149011612")), Optional(Eq("-7"))));
}

TEST(ArrowText, ATypeThatTheColumnCannotHaveIsRefused) {
  Schema schema;
  schema.fields = {Named(1, "n", Plain(Type::Kind::kString))};
  RowBatch rows(schema);
  rows.FinishRow();
  ArrowText text({Named(1, "n", Plain(Type::Kind::kLong))});
  const absl::Status status = text.Bind(*BatchOf(rows));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("column n is string"));
}

}  // namespace
}  // namespace millrace::warehouse
