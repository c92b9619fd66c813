#include "protobuf/row_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "parquet/arrow_columns.h"
#include "proto_text.h"
#include "protobuf/table_schema.h"

namespace millrace::warehouse {
namespace {

using testing::HasSubstr;

class RowDecoderTest : public testing::Test {
 protected:
  void Use(const std::string& text, const MappingOptions& options = {}) { Use(protos_.Message(text), options); }
  void Use(const google::protobuf::Descriptor* message, const MappingOptions& options = {}) {
    ASSERT_NE(message, nullptr);
    message_ = message;
    const absl::StatusOr<MappedSchema> mapped = MapSchema(*message, options);
    ASSERT_TRUE(mapped.ok()) << mapped.status();
    mapped_ = *mapped;
    absl::StatusOr<std::unique_ptr<RowDecoder>> decoder = RowDecoder::Create(mapped_.schema, mapped_.record, *message, options);
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    decoder_ = *std::move(decoder);
  }

  absl::Status AppendBytes(std::string_view bytes) {
    RowOrigin origin{"orders", 3, next_offset_++, 1'700'000'000'000, "key"};
    return decoder_->Append(bytes, origin);
  }
  absl::Status Append(const std::string& text) { return AppendBytes(protos_.Bytes(*message_, text)); }
  std::string Error(std::string_view bytes) {
    const int64_t rows = decoder_->batch().rows();
    const absl::Status status = AppendBytes(bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(decoder_->batch().rows(), rows);
    return std::string(status.message());
  }

  /// A column as Arrow prints it, without line ends and spaces.
  std::string Shown(const std::string& path) {
    const auto schema = ArrowSchema(mapped_.schema);
    const auto table = ArrowTable(decoder_->batch(), schema);
    EXPECT_TRUE(table->ValidateFull().ok()) << table->ValidateFull().ToString();
    const Field* field = mapped_.schema.Find(mapped_.record.Find(path));
    std::string text = table->GetColumnByName(field->name)->chunk(0)->ToString();
    text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == ' '; }), text.end());
    return text;
  }

  ProtoText protos_;
  const google::protobuf::Descriptor* message_ = nullptr;
  MappedSchema mapped_;
  std::unique_ptr<RowDecoder> decoder_;
  int64_t next_offset_ = 0;
};

TEST_F(RowDecoderTest, WritesDefaultsOnlyWithoutPresence) {
  Use("message M { int32 a = 1; optional int32 b = 2; string c = 3; repeated int32 d = 4; M2 e = 5; } message M2 { int32 f = 1; "
      "}");
  ASSERT_TRUE(Append("").ok());
  ASSERT_TRUE(Append("a: 1 b: 0 c: 'x' d: 1 d: 2 e {}").ok());
  EXPECT_EQ(Shown("1"), "[0,1]");
  EXPECT_EQ(Shown("2"), "[null,0]");
  EXPECT_EQ(Shown("3"), "[\"\",\"x\"]");
  EXPECT_EQ(Shown("4"), "[[],[1,2]]");
  EXPECT_TRUE(decoder_->batch().Find(mapped_.record.Find("5"))->IsNull(0));
  EXPECT_FALSE(decoder_->batch().Find(mapped_.record.Find("5"))->IsNull(1));
}

TEST_F(RowDecoderTest, WritesWhereARowCameFrom) {
  MappingOptions options;
  options.key = MappingOptions::Key::kString;
  absl::TimeZone zone;
  ASSERT_TRUE(absl::LoadTimeZone("Asia/Tokyo", &zone));
  options.dates = {{"date", "_timestamp", zone}, {"day", "at", zone}};
  Use("message M { google.protobuf.Timestamp at = 1; }", options);
  ASSERT_TRUE(Append("at { seconds: 54000 }").ok());  // 15:00 in UTC, midnight in Tokyo
  ASSERT_TRUE(Append("").ok());
  EXPECT_EQ(Shown("_topic"), "[\"orders\",\"orders\"]");
  EXPECT_EQ(Shown("_topic_partition"), "[3,3]");
  EXPECT_EQ(Shown("_offset"), "[0,1]");
  EXPECT_EQ(Shown("_key"), "[\"key\",\"key\"]");
  EXPECT_EQ(Shown("date(date)"), "[2023-11-15,2023-11-15]");
  EXPECT_EQ(Shown("date(day)"), "[1970-01-02,null]");
  const absl::Status status = decoder_->Append("", {"t", 0, 0, INT64_MAX, std::nullopt});
  EXPECT_THAT(std::string(status.message()), HasSubstr("_timestamp"));
  EXPECT_THAT(std::string(decoder_->Append("", {"t", 0, 0, 0, "\xff"}).message()), HasSubstr("_key"));
}

TEST_F(RowDecoderTest, LetsTheLastValueWinAndMergesMessages) {
  Use("message M { int32 a = 1; string b = 2; S s = 3; repeated int32 l = 4; } message S { int32 x = 1; int32 y = 2; repeated "
      "string z = 3; }");
  ASSERT_TRUE(AppendBytes(protos_.Bytes(*message_, "a: 1 b: 'first one' s { x: 1 y: 1 z: 'a' } l: 1") +
                          protos_.Bytes(*message_, "a: 2 b: '2' s { y: 2 z: 'b' } l: 2"))
                  .ok());
  EXPECT_EQ(Shown("1"), "[2]");
  EXPECT_EQ(Shown("2"), "[\"2\"]");
  EXPECT_EQ(Shown("4"), "[[1,2]]");
  EXPECT_EQ(decoder_->batch().Find<FixedColumn<int32_t>>(mapped_.record.Find("3.1"))->values()[0], 1);
  EXPECT_EQ(decoder_->batch().Find<FixedColumn<int32_t>>(mapped_.record.Find("3.2"))->values()[0], 2);
  EXPECT_EQ(decoder_->batch().Find<BytesColumn>(mapped_.record.Find("3.3.e"))->data(), "ab");
}

TEST_F(RowDecoderTest, SetsOneMemberOfAOneof) {
  Use("message M { oneof o { string a = 1; S s = 2; int32 n = 3; } } message S { int32 x = 1; repeated int32 l = 2; }");
  ASSERT_TRUE(Append("").ok());
  ASSERT_TRUE(AppendBytes(protos_.Bytes(*message_, "s { x: 1 l: 5 }") + protos_.Bytes(*message_, "a: 'x'")).ok());
  // Set again after another member: what was in it before is gone.
  ASSERT_TRUE(AppendBytes(protos_.Bytes(*message_, "s { x: 1 l: 5 }") + protos_.Bytes(*message_, "n: 0") +
                          protos_.Bytes(*message_, "s { l: 7 }"))
                  .ok());
  EXPECT_EQ(Shown("oneof(o)"), "[null,\"a\",\"s\"]");
  EXPECT_EQ(Shown("1"), "[null,\"x\",null]");
  EXPECT_EQ(Shown("3"), "[null,null,null]");
  EXPECT_EQ(decoder_->batch().Find<FixedColumn<int32_t>>(mapped_.record.Find("2.1"))->values()[2], 0);
  EXPECT_EQ(decoder_->batch().Find<FixedColumn<int32_t>>(mapped_.record.Find("2.2.e"))->values(), (std::vector<int32_t>{7}));
}

TEST_F(RowDecoderTest, KeepsTheLastEntryOfAKey) {
  Use("message M { map<string, S> m = 1; map<int32, string> n = 2; } message S { int32 x = 1; int32 y = 2; }");
  ASSERT_TRUE(
      AppendBytes(protos_.Bytes(*message_, "m { key: 'a' value { x: 1 } } n { key: 1 value: 'p' }") +
                  protos_.Bytes(*message_, "m { key: 'b' value { x: 2 } } m { key: 'a' value { y: 3 } } n { key: 1 value: 'q' }"))
          .ok());
  EXPECT_EQ(decoder_->batch().Find<BytesColumn>(mapped_.record.Find("1.k"))->data(), "ba");
  EXPECT_EQ(decoder_->batch().Find<FixedColumn<int32_t>>(mapped_.record.Find("1.v.1"))->values(), (std::vector<int32_t>{2, 0}));
  EXPECT_EQ(decoder_->batch().Find<BytesColumn>(mapped_.record.Find("2.v"))->data(), "q");
  // An entry without key and value has their defaults.
  decoder_->batch().Clear();
  ASSERT_TRUE(AppendBytes(std::string("\x0a\0", 2)).ok());
  EXPECT_EQ(decoder_->batch().Find(mapped_.record.Find("1.v"))->size(), 1);
  EXPECT_FALSE(decoder_->batch().Find(mapped_.record.Find("1.v"))->IsNull(0));
}

TEST_F(RowDecoderTest, ReadsPackedAndUnpackedAlike) {
  Use("message M { repeated int32 a = 1; repeated double b = 2 [packed = false]; }");
  ASSERT_TRUE(AppendBytes("\x08\x05\x0a\x02\x06\x07").ok());
  EXPECT_EQ(Shown("1"), "[[5,6,7]]");
  ASSERT_TRUE(Append("b: 1 b: 2").ok());
  EXPECT_EQ(decoder_->batch().Find(mapped_.record.Find("2.e"))->size(), 2);
}

TEST_F(RowDecoderTest, ConvertsWellKnownTypes) {
  const auto* date =
      protos_.Add("google/type/date.proto",
                  "syntax = 'proto3'; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }");
  ASSERT_NE(date, nullptr);
  const auto* file = protos_.Add("known.proto", R"(syntax = "proto3"; package known; import "google/protobuf/timestamp.proto";
      import "google/protobuf/duration.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto";
      import "google/type/date.proto"; enum E { NONE = 0; ONE = 1; } message M { google.protobuf.Timestamp t = 1; google.protobuf.Duration d = 2;
      google.protobuf.Int32Value w = 3; google.protobuf.Struct s = 4; google.type.Date day = 5; E e = 6; })");
  ASSERT_NE(file, nullptr);
  Use(file->FindMessageTypeByName("M"));
  ASSERT_TRUE(Append("").ok());
  ASSERT_TRUE(Append("t { seconds: -1 nanos: 999999999 } d { seconds: -1 nanos: -1 } w {} s { fields { key: 'a' value { "
                     "number_value: 1 } } } "
                     "day { year: 2026 month: 11 day: 30 } e: 7")
                  .ok());
  ASSERT_TRUE(Append("e: ONE").ok());
  EXPECT_EQ(decoder_->batch().Find<FixedColumn<int64_t>>(mapped_.record.Find("1"))->values()[1], -1);
  EXPECT_EQ(Shown("2"), "[null,-1000001,null]");
  EXPECT_EQ(Shown("3"), "[null,0,null]");
  EXPECT_EQ(Shown("4"), "[null,\"{\"a\":1}\",null]");
  EXPECT_EQ(Shown("5"), "[null,2026-11-30,null]");
  EXPECT_EQ(Shown("6"), "[\"NONE\",\"UNKNOWN_7\",\"ONE\"]");
  EXPECT_THAT(Error(protos_.Bytes(*message_, "t { seconds: 253402300800 }")), HasSubstr("field t: "));
  EXPECT_THAT(Error(protos_.Bytes(*message_, "t { nanos: -1 }")), HasSubstr("field t: "));
  EXPECT_THAT(Error(protos_.Bytes(*message_, "d { seconds: 1 nanos: -1 }")), HasSubstr("field d: "));
  EXPECT_THAT(Error(protos_.Bytes(*message_, "day { year: 2026 month: 2 day: 29 }")), HasSubstr("field day: 2026-2-29"));
  EXPECT_THAT(Error(protos_.Bytes(*message_, "day { year: 2026 month: 2 }")), HasSubstr("field day: "));
}

TEST_F(RowDecoderTest, WritesMoneyAsDecimals) {
  MappingOptions options;
  options.decimals = {{"cents", {5, 2}}, {"price", {18, 2}}};
  Use("message M { int64 cents = 1; Price price = 2; } message Price { string currency_code = 1; int64 units = 2; int32 nanos = "
      "3; }",
      options);
  ASSERT_TRUE(Append("cents: 1420 price { currency_code: 'EUR' units: -3 nanos: -500000000 }").ok());
  ASSERT_TRUE(Append("cents: -99999").ok());
  EXPECT_EQ(Shown("1"), "[14.20,-999.99]");
  EXPECT_EQ(Shown("2"), "[-3.50,null]");
  EXPECT_EQ(Shown("2.currency"), "[\"EUR\",null]");
  EXPECT_THAT(Error(protos_.Bytes(*message_, "cents: 100000")), HasSubstr("field cents: "));
  EXPECT_THAT(Error(protos_.Bytes(*message_, "price { nanos: 1 }")), HasSubstr("digits after the point"));
  EXPECT_THAT(Error(protos_.Bytes(*message_, "price { units: 9223372036854775807 }")), HasSubstr("field price: "));
  EXPECT_THAT(Error(protos_.Bytes(*message_, "price { units: 1 nanos: -1 }")), HasSubstr("no amount"));
}

TEST_F(RowDecoderTest, WritesWhatContainsItselfAsJson) {
  Use("message M { int32 v = 1; repeated M children = 2; M one = 3; }");
  ASSERT_TRUE(Append("v: 1 children { v: 2 children { v: 3 } } children { v: 4 }").ok());
  EXPECT_EQ(Shown("2"), "[[\"{\"v\":2,\"children\":[{\"v\":3}]}\",\"{\"v\":4}\"]]");
  EXPECT_EQ(Shown("3"), "[null]");
  std::string deep;
  for (int i = 0; i < 200; ++i) {
    std::string length;
    for (size_t n = deep.size(); length.empty() || n != 0; n >>= 7) {
      length += static_cast<char>((n & 0x7f) | (n >= 0x80 ? 0x80 : 0));
    }
    deep = "\x1a" + length + deep;
  }
  EXPECT_THAT(Error(deep), HasSubstr("nested too deeply"));
}

TEST_F(RowDecoderTest, ReadsOlderSyntaxAsItIsMeant) {
  const auto* file = protos_.Add("old.proto", R"(syntax = "proto2"; package old; enum E { A = 1; B = 2; } message M {
      required int32 id = 1; optional E e = 2 [default = B]; repeated E l = 3; optional group G = 4 { optional int32 x = 1; } })");
  ASSERT_NE(file, nullptr);
  Use(file->FindMessageTypeByName("M"));
  // Numbers that the enum does not have are unknown fields.
  ASSERT_TRUE(AppendBytes("\x08\x01\x10\x09\x18\x01\x18\x09\x18\x02\x23\x08\x07\x24").ok());
  EXPECT_EQ(Shown("2"), "[null]");
  EXPECT_EQ(Shown("3"), "[[\"A\",\"B\"]]");
  EXPECT_EQ(decoder_->batch().Find<FixedColumn<int32_t>>(mapped_.record.Find("4.1"))->values()[0], 7);
  EXPECT_THAT(Error(""), HasSubstr("field id: it is required"));
}

TEST_F(RowDecoderTest, RefusesRowsThatAreMalformedAndGoesOn) {
  Use("message M { int32 a = 1; string b = 2; S s = 3; repeated int32 l = 4; map<string, int32> m = 5; } message S { string t = "
      "1; }");
  ASSERT_TRUE(Append("a: 1").ok());
  EXPECT_THAT(Error("\x08"), HasSubstr("field a: the bytes are cut off"));
  EXPECT_THAT(Error("\x0a\x01x"), HasSubstr("field a: wire type 2"));
  EXPECT_THAT(Error("\x12\x01\xff"), HasSubstr("field b: the text is not valid UTF-8"));
  EXPECT_THAT(Error("\x12\x05"
                    "ab"),
              HasSubstr("field b: the bytes are cut off"));
  EXPECT_THAT(Error("\x1a\x03\x0a\x01\xff"), HasSubstr("field s.t: the text"));
  EXPECT_THAT(Error("\x1a\x02\x0a\x05"), HasSubstr("field s.t: "));
  EXPECT_THAT(Error("\x22\x01\x80"), HasSubstr("field l: "));
  EXPECT_THAT(Error("\x2a\x02\x0a\x05"), HasSubstr("field m: "));
  EXPECT_THAT(Error("\x0f"), HasSubstr("field a: wire type 7"));
  EXPECT_THAT(Error("\x7f"), HasSubstr("(the message): the bytes"));
  ASSERT_TRUE(Append("a: 2 b: 'x' s { t: 'y' } l: 1 m { key: 'k' value: 1 }").ok());
  EXPECT_EQ(Shown("1"), "[1,2]");
  EXPECT_EQ(Shown("4"), "[[],[1]]");
}

TEST_F(RowDecoderTest, SurvivesAnyBytes) {
  Use(R"(message M { int32 a = 1; string b = 2; S s = 3; repeated S l = 4; map<string, S> m = 5; oneof o { string x = 6; S y = 7; }
      google.protobuf.Timestamp t = 8; google.protobuf.Value v = 9; google.protobuf.StringValue w = 10; google.protobuf.Any any = 11;
      repeated sint64 packed = 12; M again = 13; } message S { string t = 1; repeated fixed32 n = 2; bytes b = 3; })");
  const std::string good = protos_.Bytes(
      *message_, R"(a: 1 b: 'text' s { t: 'u' n: 1 n: 2 } l { t: 'v' } l { b: 'w' } m { key: 'k' value { n: 3 } } y { t: 'z' }
      t { seconds: 5 } v { list_value { values { string_value: 'q' } } } w { value: 'r' } any { type_url: 'a.b/c' value: 'd' } packed: 1 packed: -1
      again { again { a: 1 } })");
  std::mt19937 random(20);
  int written = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (int flips = static_cast<int>(random() % 4); flips >= 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(random() % 3 == 0 ? random() % bytes.size() : bytes.size());
    written += AppendBytes(bytes).ok() ? 1 : 0;
  }
  EXPECT_EQ(decoder_->batch().rows(), written);
  EXPECT_GT(written, 100);
  EXPECT_LT(written, 19'900);
  const auto table = ArrowTable(decoder_->batch(), ArrowSchema(mapped_.schema));
  EXPECT_TRUE(table->ValidateFull().ok()) << table->ValidateFull().ToString();
}

TEST_F(RowDecoderTest, WritesOlderMessagesToNewerTables) {
  Use("message M { int64 a = 1; double b = 2; optional string c = 3; }");
  const auto* older = protos_.Message("message M { int32 a = 1; float b = 2; int32 gone = 9; }");
  absl::StatusOr<std::unique_ptr<RowDecoder>> decoder = RowDecoder::Create(mapped_.schema, mapped_.record, *older, {});
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  decoder_ = *std::move(decoder);
  ASSERT_TRUE(AppendBytes(protos_.Bytes(*older, "a: -1 b: 0.5 gone: 3")).ok());
  EXPECT_EQ(Shown("1"), "[-1]");
  EXPECT_EQ(Shown("2"), "[0.5]");
  EXPECT_EQ(Shown("3"), "[null]");
}

TEST_F(RowDecoderTest, AsksForEvolutionWhereItIsNeeded) {
  Use("message M { int32 a = 1; int32 b = 2; }");
  for (const char* text : {"message M { int64 a = 1; int32 b = 2; }", "message M { int32 a = 1; }",
                           "message M { repeated int32 a = 1; int32 b = 2; }"}) {
    EXPECT_EQ(RowDecoder::Create(mapped_.schema, mapped_.record, *protos_.Message(text), {}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace millrace::warehouse
