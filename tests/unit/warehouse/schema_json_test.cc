#include "table/schema_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace millrace::warehouse {
namespace {

using nlohmann::json;

// As another engine writes it, with a space in the decimal.
const char kSchema[] = R"json({"type":"struct","schema-id":3,"fields":[
  {"id":1,"name":"id","required":true,"type":"long","doc":"the order"},
  {"id":2,"name":"price","required":false,"type":"decimal(18, 2)"},
  {"id":3,"name":"lines","required":false,"type":{"type":"list","element-id":5,"element-required":true,"element":
     {"type":"struct","fields":[{"id":6,"name":"sku","required":true,"type":"string"}]}}},
  {"id":4,"name":"tags","required":false,"type":
     {"type":"map","key-id":7,"key":"string","value-id":8,"value-required":false,"value":"double"}}]})json";

TEST(SchemaJson, NestedSchemaSurvivesARoundTrip) {
  auto schema = SchemaFromJson(json::parse(kSchema), "here");
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(schema->id, 3);
  EXPECT_EQ(schema->fields[0].doc, "the order");
  EXPECT_EQ(schema->fields[1].type.ToString(), "decimal(18,2)");
  EXPECT_TRUE(schema->Find(7)->required);
  EXPECT_EQ(schema->Find(6)->name, "sku");
  EXPECT_TRUE(CheckSchema(*schema).ok());
  json expected = json::parse(kSchema);
  expected["fields"][1]["type"] = "decimal(18,2)";
  EXPECT_EQ(SchemaToJson(*schema), expected);
}

TEST(SchemaJson, TypesThatAreNotKnownAreToldFromDamage) {
  json schema = json::parse(kSchema);
  schema["fields"][0]["type"] = "uuid";
  auto unknown = SchemaFromJson(schema, "table.json");
  EXPECT_TRUE(absl::IsUnimplemented(unknown.status()));
  EXPECT_NE(unknown.status().message().find("uuid"), std::string::npos);
  for (const char* type : {"decimal(18", "decimal(,)", "decimal()", "decimal(a,b)"}) {
    schema["fields"][0]["type"] = type;
    EXPECT_TRUE(absl::IsInvalidArgument(SchemaFromJson(schema, "here").status())) << type;
  }
  schema["fields"][0]["type"] = 7;
  EXPECT_TRUE(absl::IsInvalidArgument(SchemaFromJson(schema, "here").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SchemaFromJson(json::array(), "here").status()));
}

TEST(SchemaJson, ChecksWhatEnginesWouldRefuse) {
  const Schema good = *SchemaFromJson(json::parse(kSchema), "here");
  Schema bad = good;
  bad.fields[1].id = 6;
  EXPECT_FALSE(CheckSchema(bad).ok()) << "the id of a nested column twice";
  bad = good;
  bad.fields[1].name = "id";
  EXPECT_FALSE(CheckSchema(bad).ok()) << "a name twice";
  bad = good;
  bad.fields[1].type.precision = 39;
  EXPECT_FALSE(CheckSchema(bad).ok()) << "a decimal of 39 digits";
  bad = good;
  bad.fields[2].type.fields.clear();
  EXPECT_FALSE(CheckSchema(bad).ok()) << "a list of nothing";
}

}  // namespace
}  // namespace millrace::warehouse
