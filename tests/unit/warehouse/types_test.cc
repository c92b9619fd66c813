#include "table/types.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

using Kind = Type::Kind;

Type Of(Kind kind, std::vector<Field> fields = {}) { return {kind, 0, 0, std::move(fields)}; }

Schema Nested() {
  Schema schema;
  schema.fields = {
      {1, "id", true, Of(Kind::kLong), ""},
      {2, "lines", false,
       Of(Kind::kList, {{3, "element", true, Of(Kind::kStruct, {{4, "sku", true, Of(Kind::kString), ""}}), ""}}), ""}};
  return schema;
}

TEST(Types, AreWrittenAsTheSpecificationWritesThem) {
  EXPECT_EQ((Type{Kind::kDecimal, 18, 2, {}}.ToString()), "decimal(18,2)");
  EXPECT_EQ(Of(Kind::kTimestampTz).ToString(), "timestamptz");
  EXPECT_EQ(Nested().fields[1].type.ToString(), "list<struct<sku string required>>");
  EXPECT_EQ(Of(Kind::kMap, {{1, "key", true, Of(Kind::kString), ""}, {2, "value", false, Of(Kind::kDouble), ""}}).ToString(),
            "map<string, double>");
}

TEST(Types, FieldsAreFoundAtAnyDepth) {
  const Schema schema = Nested();
  ASSERT_NE(schema.Find(4), nullptr);
  EXPECT_EQ(schema.Find(4)->name, "sku");
  EXPECT_EQ(schema.Find(5), nullptr);
  EXPECT_EQ(schema.HighestId(), 4);
  EXPECT_EQ(Schema().HighestId(), 0);
}

TEST(Types, ShapeIgnoresIdsAndDocsButNotNamesAndPrecision) {
  Type other = Nested().fields[1].type;
  other.fields[0].id = 30;
  other.fields[0].type.fields[0].doc = "what was bought";
  EXPECT_TRUE(other.SameShape(Nested().fields[1].type));
  EXPECT_FALSE(other == Nested().fields[1].type);
  other.fields[0].type.fields[0].name = "article";
  EXPECT_FALSE(other.SameShape(Nested().fields[1].type));
  EXPECT_FALSE((Type{Kind::kDecimal, 18, 2, {}}.SameShape({Kind::kDecimal, 18, 3, {}})));
}

}  // namespace
}  // namespace millrace::warehouse
