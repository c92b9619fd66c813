#include "protobuf/table_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto_text.h"

namespace millrace::warehouse {
namespace {

using testing::HasSubstr;

MappedSchema Map(const google::protobuf::Descriptor& message, const MappingOptions& options = {}) {
  absl::StatusOr<MappedSchema> mapped = MapSchema(message, options);
  EXPECT_TRUE(mapped.ok()) << mapped.status();
  return mapped.ok() ? *mapped : MappedSchema();
}

const Field& Named(const std::vector<Field>& fields, const std::string& name) {
  for (const Field& field : fields) {
    if (field.name == name) {
      return field;
    }
  }
  ADD_FAILURE() << "no column " << name;
  static const Field none;
  return none;
}

std::string TypeOf(const MappedSchema& mapped, const std::string& name) {
  return Named(mapped.schema.fields, name).type.ToString();
}

TEST(MapSchema, GivesEachScalarItsType) {
  ProtoText protos;
  const MappedSchema mapped = Map(*protos.Message(R"(enum E { NONE = 0; } message M {
    bool a = 1; int32 b = 2; sint32 c = 3; sfixed32 d = 4; int64 e = 5; uint32 f = 6; fixed32 g = 7; uint64 h = 8; fixed64 i = 9;
    float j = 10; double k = 11; string l = 12; bytes m = 13; E n = 14; optional int32 o = 15; })"));
  std::string types;
  for (int i = 0; i < 15; ++i) {
    const Field& field = mapped.schema.fields[i];
    types += field.type.ToString() + (field.required ? " " : "? ");
  }
  EXPECT_EQ(types, "boolean int int int long long long decimal(20,0) decimal(20,0) float double string binary string int? ");
}

TEST(MapSchema, UnfoldsWellKnownTypes) {
  ProtoText protos;
  const MappedSchema mapped = Map(*protos.Message(R"(message M {
    google.protobuf.Timestamp at = 1; google.protobuf.Duration took = 2; google.protobuf.UInt64Value count = 3;
    google.protobuf.StringValue name = 4; google.protobuf.Struct more = 5; google.protobuf.Any any = 6; Empty empty = 7; Tree tree = 8; }
    message Empty {} message Tree { int32 v = 1; repeated Tree children = 2; })"));
  EXPECT_EQ(TypeOf(mapped, "at"), "timestamptz");
  EXPECT_FALSE(Named(mapped.schema.fields, "at").required);
  EXPECT_EQ(TypeOf(mapped, "took"), "long");
  EXPECT_EQ(TypeOf(mapped, "count"), "decimal(20,0)");
  EXPECT_EQ(TypeOf(mapped, "name"), "string");
  EXPECT_EQ(TypeOf(mapped, "more"), "string");
  EXPECT_EQ(TypeOf(mapped, "any"), "string");
  EXPECT_EQ(TypeOf(mapped, "empty"), "boolean");
  const Field& tree = Named(mapped.schema.fields, "tree");
  const Field& children = Named(tree.type.fields, "children");
  EXPECT_EQ(children.type.fields[0].type.ToString(), "string");
  EXPECT_THAT(children.doc, HasSubstr("contains itself"));
}

TEST(MapSchema, GivesOneofsACaseAndKeepsCollectionsRequired) {
  ProtoText protos;
  const MappedSchema mapped = Map(*protos.Message(R"(message M {
    oneof payer { string person = 1; int64 company = 2; } repeated string tags = 3; map<string, int32> counts = 4; })"));
  EXPECT_FALSE(Named(mapped.schema.fields, "person").required);
  EXPECT_EQ(mapped.schema.fields[2].name, "payer_case");
  EXPECT_EQ(mapped.record.Find("oneof(payer)"), mapped.schema.fields[2].id);
  EXPECT_TRUE(Named(mapped.schema.fields, "tags").required);
  const Field& counts = Named(mapped.schema.fields, "counts");
  EXPECT_EQ(counts.type.kind, Type::Kind::kMap);
  EXPECT_TRUE(counts.type.fields[0].required);
  EXPECT_EQ(mapped.record.Find("4.k"), counts.type.fields[0].id);
  EXPECT_EQ(mapped.record.Find("4.v"), counts.type.fields[1].id);
}

TEST(MapSchema, NumbersOneLevelBeforeThoseBelow) {
  ProtoText protos;
  const MappedSchema mapped =
      Map(*protos.Message("message M { S s = 1; int32 i = 2; repeated S l = 3; } message S { int32 x = 1; T t = 2; } "
                          "message T { int32 y = 1; }"));
  // s, i, l and the four columns of the record; then what is in s, then in l.
  EXPECT_EQ(mapped.schema.fields[0].id, 1);
  EXPECT_EQ(mapped.schema.fields[2].id, 3);
  EXPECT_EQ(mapped.record.Find("_timestamp"), 7);
  EXPECT_EQ(mapped.record.Find("1.1"), 8);
  EXPECT_EQ(mapped.record.Find("1.2"), 9);
  EXPECT_EQ(mapped.record.Find("1.2.1"), 10);
  EXPECT_EQ(mapped.record.Find("3.e"), 11);
  EXPECT_EQ(mapped.record.Find("3.e.1"), 12);
}

TEST(MapSchema, TakesCommentsForDocs) {
  ProtoText protos;
  const auto* message = protos.Message("message M {\n  // What was\n  // paid.\n  int64 amount = 1;\n}");
  EXPECT_EQ(Map(*message).schema.fields[0].doc, "What was paid.");
}

TEST(MapSchema, MakesMoneyADecimalWithItsCurrencyBesideIt) {
  ProtoText protos;
  const auto* message = protos.Message(
      "message M { int64 cents = 1; Price price = 2; } message Price { string currency = 3; int64 units = 1; int32 nanos = 2; }");
  MappingOptions options;
  options.decimals = {{"cents", {18, 2}}, {"price", {28, 9}}};
  const MappedSchema mapped = Map(*message, options);
  EXPECT_EQ(TypeOf(mapped, "cents"), "decimal(18,2)");
  EXPECT_EQ(TypeOf(mapped, "price"), "decimal(28,9)");
  EXPECT_EQ(mapped.record.Find("2.currency"), Named(mapped.schema.fields, "price_currency").id);
  options.decimals["pirce"] = {18, 2};
  EXPECT_THAT(std::string(MapSchema(*message, options).status().message()), HasSubstr("pirce"));
}

TEST(MapSchema, GivesAColumnTheNameThatIsAskedFor) {
  ProtoText protos;
  const auto* message = protos.Message("message M { int64 amount_cents = 1; google.protobuf.Timestamp at = 2; }");
  MappingOptions options;
  options.decimals = {{"amount_cents", {18, 2}}};
  options.names = {{"amount_cents", "amount"}, {"at", "paid_at"}};
  options.dates = {{"date", "at", absl::UTCTimeZone()}};
  const MappedSchema mapped = Map(*message, options);
  EXPECT_EQ(TypeOf(mapped, "amount"), "decimal(18,2)");
  EXPECT_EQ(mapped.record.Find("1"), Named(mapped.schema.fields, "amount").id);
  EXPECT_EQ(TypeOf(mapped, "paid_at"), "timestamptz");
  EXPECT_EQ(TypeOf(mapped, "date"), "date");
  options.names = {{"at", "AMOUNT_cents"}};
  EXPECT_THAT(std::string(MapSchema(*message, options).status().message()), HasSubstr("two columns would be named"));
  options.names = {{"amount", "x"}};
  EXPECT_THAT(std::string(MapSchema(*message, options).status().message()), HasSubstr("columns.amount.name"));
}

TEST(MapSchema, AddsDatesAndWhereARowCameFrom) {
  ProtoText protos;
  const auto* message = protos.Message("message M { S s = 1; } message S { google.protobuf.Timestamp at = 1; int64 n = 2; }");
  MappingOptions options;
  options.dates = {{"date", "_timestamp", absl::UTCTimeZone()}, {"day", "s.at", absl::UTCTimeZone()}};
  options.key = MappingOptions::Key::kBinary;
  const MappedSchema mapped = Map(*message, options);
  EXPECT_TRUE(Named(mapped.schema.fields, "date").required);
  EXPECT_FALSE(Named(mapped.schema.fields, "day").required);
  for (const char* name : {"_topic", "_topic_partition", "_offset", "_timestamp"}) {
    EXPECT_TRUE(Named(mapped.schema.fields, name).required);
  }
  EXPECT_EQ(TypeOf(mapped, "_key"), "binary");
  options.dates[1].from = "s.n";
  EXPECT_THAT(std::string(MapSchema(*message, options).status().message()), HasSubstr("s.n"));
}

TEST(MapSchema, RefusesTwoColumnsOfOneName) {
  ProtoText protos;
  const absl::Status status = MapSchema(*protos.Message("message M { int64 a = 1; int64 _Topic = 2; }"), {}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("_topic"));
}

TEST(MapSchema, RefusesNamesThatEnginesReserve) {
  ProtoText protos;
  const auto* message = protos.Message("message M { int64 _partition = 1; S s = 2; } message S { int64 _pos = 1; }");
  EXPECT_THAT(std::string(MapSchema(*message, {}).status().message()), HasSubstr("columns._partition.name"));
  MappingOptions options;
  options.names = {{"_partition", "part"}};
  EXPECT_EQ(TypeOf(Map(*message, options), "part"), "long");
}

}  // namespace
}  // namespace millrace::warehouse
