#include "serving/column_json.h"

#include <gtest/gtest.h>

#include <limits>

#include "proto_text.h"
#include "protobuf/row_decoder.h"
#include "protobuf/table_schema.h"

namespace millrace::warehouse {
namespace {

class ColumnJsonTest : public testing::Test {
 protected:
  /// The first column of a message as JSON, or the error.
  std::string Json(const std::string& fields, const std::string& value) {
    const auto& message = *protos_.Message(fields);
    const MappedSchema mapped = MapSchema(message, {}).value();
    auto decoder = RowDecoder::Create(mapped.schema, mapped.record, message, {}).value();
    const absl::Status status = decoder->Append(protos_.Bytes(message, value), {});
    EXPECT_TRUE(status.ok()) << status;
    std::string json;
    std::string error;
    return AppendColumnJson(*decoder->batch().columns()[0], mapped.schema.fields[0], 0, &json, &error) ? json : error;
  }

  ProtoText protos_;
};

TEST_F(ColumnJsonTest, StructsAreObjectsWithoutWhatIsNull) {
  const std::string fields =
      "message M { Inner inner = 1; } message Inner { bool b = 1; optional int32 i = 2; string s = 3; bytes y = 4; double d = 5; "
      "google.protobuf.Timestamp t = 6; uint64 u = 7; float f = 8; }";
  EXPECT_EQ(
      Json(
          fields,
          R"(inner { b: true s: "a\"\\\n\001é" y: "\377\000" d: 0.1 t { seconds: -1 nanos: 5000 } u: 18446744073709551615 f: 0.1 })"),
      "{\"b\":true,\"s\":\"a\\\"\\\\\\u000a\\u0001é\",\"y\":\"/wA=\",\"d\":0.1,\"t\":\"1969-12-31T23:59:59.000005Z\","
      "\"u\":18446744073709551615,\"f\":0.1}");
  EXPECT_EQ(Json(fields, "inner { i: -7 }"), R"({"b":false,"i":-7,"s":"","y":"","d":0,"u":0,"f":0})");
}

TEST_F(ColumnJsonTest, ListsAreArraysAndMapsObjects) {
  EXPECT_EQ(Json("message M { repeated int64 n = 1; }", "n: 1 n: -9223372036854775808"), "[1,-9223372036854775808]");
  EXPECT_EQ(Json("message M { repeated int64 n = 1; }", ""), "[]");
  EXPECT_EQ(Json("message M { map<bool, string> m = 1; }", "m { key: true value: 'x' }"), R"({"true":"x"})");
  EXPECT_EQ(Json("message M { map<uint64, int32> m = 1; }", "m { key: 7 value: 8 }"), R"({"7":8})");
}

TEST_F(ColumnJsonTest, WhatIsNoNumberOfJsonIsText) {
  EXPECT_EQ(Json("message M { repeated double d = 1; }", "d: nan d: inf d: -inf d: 1e300"),
            R"(["NaN","Infinity","-Infinity",1e+300])");
}

TEST_F(ColumnJsonTest, RefusesNul) {
  EXPECT_EQ(Json("message M { repeated string s = 1; }", R"(s: "a\000b")"), kNulError);
  EXPECT_EQ(Json("message M { map<string, string> s = 1; }", R"(s { key: "\000" })"), kNulError);
  EXPECT_TRUE(JsonHasNul(R"({"a":"x\u0000"})"));
  EXPECT_FALSE(JsonHasNul(R"({"a":"x\\u0000"})"));
  EXPECT_TRUE(JsonHasNul(R"({"a":"x\\\u0000"})"));
}

TEST_F(ColumnJsonTest, DecimalsKeepTheirDigits) {
  Field field;
  field.id = 1;
  field.required = true;
  field.type.kind = Type::Kind::kDecimal;
  const auto text = [&](absl::int128 value, int scale) {
    field.type.scale = scale;
    FixedColumn<absl::int128> column(field);
    column.Set(0, value);
    std::string json;
    std::string error;
    EXPECT_TRUE(AppendColumnJson(column, field, 0, &json, &error));
    return json;
  };
  EXPECT_EQ(text(0, 0), "0");
  EXPECT_EQ(text(0, 2), "0.00");
  EXPECT_EQ(text(5, 2), "0.05");
  EXPECT_EQ(text(-12345, 2), "-123.45");
  EXPECT_EQ(text(7, 1), "0.7");
  EXPECT_EQ(text(std::numeric_limits<absl::int128>::min(), 9), "-170141183460469231731687303715.884105728");
}

}  // namespace
}  // namespace millrace::warehouse
