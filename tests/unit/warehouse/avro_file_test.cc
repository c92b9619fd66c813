#include "table/avro_file.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "absl/strings/str_cat.h"
#include "table/avro_codec.h"

namespace millrace::warehouse {
namespace {

const char kSchema[] = R"({"type":"record","name":"r","fields":[
  {"name":"n","type":"long","field-id":1},
  {"name":"text","type":["null","string"],"field-id":2},
  {"name":"unknown","type":{"type":"map","values":{"type":"fixed","name":"f","size":2}}},
  {"name":"list","type":{"type":"array","items":"int","element-id":4},"field-id":3}]})";

std::string Record(int64_t n, const std::string& text) {
  AvroEncoder encoder;
  encoder.Long(n);
  text.empty() ? encoder.Null() : encoder.NotNull();
  if (!text.empty()) encoder.Bytes(text);
  encoder.BeginArray(1);
  encoder.Bytes("key");
  std::string bytes = encoder.bytes() + "xy";
  encoder.Clear();
  encoder.EndArray();
  encoder.BeginArray(2);
  encoder.Long(7);
  encoder.Long(-8);
  encoder.EndArray();
  return bytes + encoder.bytes();
}

std::string File(AvroCodec codec, int records) {
  AvroFileWriter writer(kSchema, {{"content", "data"}}, codec, "0123456789abcdef");
  for (int i = 0; i < records; ++i) writer.Append(Record(i * int64_t{1'000'000'007}, i % 2 ? absl::StrCat("text ", i) : ""));
  return writer.Finish();
}

TEST(AvroFile, ReadsWhatItWrites) {
  for (const AvroCodec codec : {AvroCodec::kNull, AvroCodec::kDeflate}) {
    const std::string content = File(codec, 10'000);
    auto reader = AvroFileReader::Open(content, "f");
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_EQ(reader->metadata("content"), "data");
    int64_t next = 0;
    absl::Status read = reader->ForEach([&](const AvroView& record) {
      EXPECT_EQ(record.Long(1), next * 1'000'000'007);
      const std::string* text = record.Bytes(2);
      EXPECT_EQ(text ? *text : "", next % 2 == 1 ? absl::StrCat("text ", next) : "");
      EXPECT_EQ(record.Elements(3).size(), 2U);
      EXPECT_EQ(std::get<int64_t>(record.Elements(3)[1].value().data), -8);
      EXPECT_EQ(record.Long(99), std::nullopt) << "no such field";
      EXPECT_EQ(record.Bytes(1), nullptr) << "of another type";
      ++next;
      return absl::OkStatus();
    });
    EXPECT_TRUE(read.ok()) << read;
    EXPECT_EQ(next, 10'000);
  }
}

TEST(AvroFile, LongsHaveTheZigzagFormOfTheSpecification) {
  AvroEncoder encoder;
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{1}, int64_t{-64}, int64_t{64}}) encoder.Long(value);
  EXPECT_EQ(encoder.bytes(), std::string("\x00\x01\x02\x7f\x80\x01", 6));
}

TEST(AvroFile, ErrorOfACallEndsTheReading) {
  const std::string content = File(AvroCodec::kNull, 5);
  int calls = 0;
  absl::Status read = AvroFileReader::Open(content, "f")->ForEach([&](const AvroView&) {
    ++calls;
    return absl::CancelledError("enough");
  });
  EXPECT_TRUE(absl::IsCancelled(read));
  EXPECT_EQ(calls, 1);
}

TEST(AvroFile, EveryTruncationIsNoticedOrEndsAtABlock) {
  const std::string content = File(AvroCodec::kDeflate, 50);
  for (size_t length = 0; length < content.size(); ++length) {
    const std::string cut = content.substr(0, length);
    auto reader = AvroFileReader::Open(cut, "f");
    if (!reader.ok()) continue;
    int records = 0;
    const absl::Status read = reader->ForEach([&](const AvroView&) {
      ++records;
      return absl::OkStatus();
    });
    EXPECT_TRUE(!read.ok() || records == 0) << length;
  }
}

std::string Block(int64_t count, const std::string& bytes) {
  AvroEncoder encoder;
  encoder.Long(count);
  encoder.Bytes(bytes);
  return encoder.bytes() + "0123456789abcdef";
}

absl::Status ReadAll(const std::string& schema, const std::string& blocks) {
  AvroFileWriter writer(schema, {}, AvroCodec::kNull, "0123456789abcdef");
  const std::string content = writer.Finish() + blocks;
  auto reader = AvroFileReader::Open(content, "f");
  if (!reader.ok()) return reader.status();
  return reader->ForEach([](const AvroView&) { return absl::OkStatus(); });
}

TEST(AvroFile, HugeCountsAndLengthsAllocateNothing) {
  AvroEncoder huge;
  huge.Long(int64_t{1} << 60);
  EXPECT_FALSE(ReadAll(R"({"type":"array","items":"int"})", Block(1, huge.bytes())).ok());
  EXPECT_FALSE(ReadAll(R"("string")", Block(1, huge.bytes())).ok());
  EXPECT_FALSE(ReadAll(R"({"type":"fixed","name":"f","size":1152921504606846976})", Block(1, "x")).ok());
  EXPECT_FALSE(ReadAll(R"("null")", Block(int64_t{1} << 60, "x")).ok()) << "values that take no bytes";
  AvroEncoder least;
  least.Long(INT64_MIN);
  EXPECT_FALSE(ReadAll(R"({"type":"array","items":"int"})", Block(1, least.bytes())).ok());
  EXPECT_FALSE(ReadAll(R"("int")", Block(-1, "x")).ok());
}

TEST(AvroFile, SchemasThatContainThemselvesEndSomewhere) {
  EXPECT_FALSE(ReadAll(R"({"type":"record","name":"r","fields":[{"name":"r","type":"r"}]})", Block(1, "xxxx")).ok());
  std::string chain;
  for (int i = 0; i < 100'000; ++i) chain += '\x02';
  const std::string list = R"({"type":"record","name":"r","fields":[{"name":"next","type":["null","r"]}]})";
  EXPECT_FALSE(ReadAll(list, Block(1, chain)).ok());
  EXPECT_TRUE(ReadAll(list, Block(1, std::string("\x02\x02\x00", 3))).ok());
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"type":"array","items":)";
  EXPECT_FALSE(ReadAll(deep, "").ok());
}

TEST(AvroFile, OddSchemasAreRefused) {
  for (const char* schema :
       {"", "{}", "7", "[7]", R"({"type":"record"})", R"({"type":"array"})", R"("nobody")",
        R"({"type":"fixed","name":"f","size":-1})", R"({"type":"record","name":"r","fields":[{"name":"a"}]})"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadAll(schema, ""))) << schema;
  }
}

TEST(AvroCodec, ReadsDeflateAndZstandard) {
  const std::string text(300'000, 'x');
  EXPECT_EQ(*Decompressed(Deflated(text), "deflate"), text);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  EXPECT_EQ(*Decompressed(packed, "zstandard"), text);
  EXPECT_FALSE(Decompressed(packed.substr(0, packed.size() - 1), "zstandard").ok());
  EXPECT_FALSE(Decompressed(Deflated(text).substr(1), "deflate").ok());
  EXPECT_FALSE(Decompressed("", "deflate").ok());
  EXPECT_TRUE(absl::IsUnimplemented(Decompressed("x", "snappy").status()));
}

TEST(AvroCodec, RefusesToBecomeHuge) {
  std::string bomb = Deflated(std::string(size_t{257} << 20, '\0'));
  EXPECT_LT(bomb.size(), size_t{1} << 20);
  EXPECT_TRUE(absl::IsInvalidArgument(Decompressed(bomb, "deflate").status()));
}

}  // namespace
}  // namespace millrace::warehouse
