#include "serving/serving_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto_text.h"
#include "serving/serving_table.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Field Column(int id, const std::string& name, Type::Kind kind, bool required = false) {
  Field field;
  field.id = id;
  field.name = name;
  field.required = required;
  field.type.kind = kind;
  return field;
}

Schema Columns(std::vector<Field> fields) {
  Schema schema;
  schema.fields = std::move(fields);
  return schema;
}

ServingPolicy KeyedBy(std::vector<std::string> columns) {
  ServingPolicy policy;
  policy.key_columns = std::move(columns);
  return policy;
}

TEST(ServingColumnsTest, PutsTheKeyFirst) {
  const Schema schema = Columns({Column(1, "a", Type::Kind::kLong), Column(2, "b", Type::Kind::kString),
                                 Column(3, "c", Type::Kind::kMap), Column(4, "d", Type::Kind::kString)});
  const auto columns = ServingColumns(schema, {4}, KeyedBy({"b", "a"}));
  ASSERT_TRUE(columns.ok()) << columns.status();
  std::vector<std::string> names;
  for (const ServingColumn& column : *columns)
    names.push_back(column.field.name + " " + column.type + (column.key ? " key" : ""));
  EXPECT_THAT(names, ElementsAre("b text key", "a bigint key", "c jsonb", "d jsonb"));
}

TEST(ServingColumnsTest, RefusesKeysByWhichRowsCannotBeToldApart) {
  const Schema schema = Columns({Column(1, "a", Type::Kind::kDouble), Column(2, "b", Type::Kind::kString)});
  EXPECT_THAT(ServingColumns(schema, {}, KeyedBy({"a"})).status().ToString(), HasSubstr("double precision"));
  EXPECT_THAT(ServingColumns(schema, {2}, KeyedBy({"b"})).status().ToString(), HasSubstr("cannot be told apart"));
  EXPECT_THAT(ServingColumns(schema, {}, KeyedBy({"x"})).status().ToString(), HasSubstr("no column x"));
}

TEST(ServingColumnsTest, FieldsOfJsonAreColumnsOfJson) {
  ProtoText protos;
  const auto& message = *protos.Message(
      "message M { google.protobuf.Struct s = 1; M inside = 2; string t = 3; google.protobuf.Any a = 4; repeated "
      "google.protobuf.Value v = 5; }");
  const MappedSchema mapped = MapSchema(message, {}).value();
  std::vector<std::string> names;
  for (const int id : JsonColumns(message, {}, mapped.record)) names.push_back(mapped.schema.Find(id)->name);
  EXPECT_THAT(names, ElementsAre("s", "inside", "a"));
}

TEST(ServingColumnsTest, QuotesNamesAndTexts) {
  EXPECT_EQ(Quoted("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(Quoted("x", "y"), "\"x\".\"y\"");
  EXPECT_EQ(Literal("it's \\"), " E'it''s \\\\'");
  EXPECT_TRUE(CheckName(std::string(63, 'x')).ok());
  EXPECT_FALSE(CheckName(std::string(64, 'x')).ok());
  EXPECT_FALSE(CheckName("").ok());
}

TEST(ServingColumnsTest, AlterationsFollowTheIdsOfColumns) {
  const Schema from = Columns({Column(1, "a", Type::Kind::kInt, true), Column(2, "b", Type::Kind::kString)});
  Field added = Column(3, "c", Type::Kind::kList);
  added.doc = "It's new.";
  const std::vector<ServingColumn> to = {{Column(1, "b", Type::Kind::kLong), "bigint", false},
                                         {Column(2, "a", Type::Kind::kString), "text", false},
                                         {added, "jsonb", false}};
  EXPECT_THAT(AlterStatements("t", from, to, /*comments=*/true),
              ElementsAre("ALTER TABLE t RENAME COLUMN \"a\" TO \"millrace rename 1\"",
                          "ALTER TABLE t RENAME COLUMN \"b\" TO \"millrace rename 2\"",
                          "ALTER TABLE t RENAME COLUMN \"millrace rename 1\" TO \"b\"",
                          "ALTER TABLE t RENAME COLUMN \"millrace rename 2\" TO \"a\"",
                          "ALTER TABLE t ALTER COLUMN \"b\" TYPE bigint", "ALTER TABLE t ALTER COLUMN \"b\" DROP NOT NULL",
                          "ALTER TABLE t ADD COLUMN \"c\" jsonb", "COMMENT ON COLUMN t.\"c\" IS E'It''s new.'"));
}

}  // namespace
}  // namespace millrace::warehouse
