#include "protobuf/wire.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::warehouse::wire {
namespace {

using google::protobuf::FieldDescriptor;

bool Skips(const std::string& bytes, uint32_t wire_type) {
  return SkipField(bytes.data(), bytes.data() + bytes.size(), 1, wire_type) == bytes.data() + bytes.size();
}

TEST(Wire, ReadsVarintsUpToTenBytes) {
  uint64_t value = 0;
  const std::string bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
  EXPECT_EQ(ReadVarint(bytes.data(), bytes.data() + 10, &value), bytes.data() + 10);
  EXPECT_EQ(value, UINT64_MAX);
  EXPECT_EQ(ReadVarint(bytes.data(), bytes.data() + 9, &value), nullptr);
  const std::string eleven(11, '\x80');
  EXPECT_EQ(ReadVarint(eleven.data(), eleven.data() + 11, &value), nullptr);
}

TEST(Wire, RefusesFieldNumberZeroAndTagsBeyond32Bits) {
  uint32_t number;
  uint32_t type;
  const std::string zero("\x02", 1);
  EXPECT_EQ(ReadTag(zero.data(), zero.data() + 1, &number, &type), nullptr);
  const std::string wide("\x80\x80\x80\x80\x10", 5);
  EXPECT_EQ(ReadTag(wide.data(), wide.data() + 5, &number, &type), nullptr);
}

TEST(Wire, RefusesLengthsBeyondTheEnd) {
  std::string_view value;
  const std::string bytes(
      "\x03"
      "ab",
      3);
  EXPECT_EQ(ReadBytes(bytes.data(), bytes.data() + 3, &value), nullptr);
}

TEST(Wire, SkipsFieldsOfAllWireTypes) {
  EXPECT_TRUE(Skips("\x05", kVarint));
  EXPECT_TRUE(Skips("12345678", kFixed64));
  EXPECT_TRUE(Skips("1234", kFixed32));
  EXPECT_TRUE(
      Skips("\x02"
            "ab",
            kLength));
  EXPECT_TRUE(Skips("\x13\x10\x01\x14\x0c", kStartGroup));   // a group inside a group
  EXPECT_FALSE(Skips("\x13\x10\x01\x1c\x0c", kStartGroup));  // that is closed by another number
  EXPECT_FALSE(Skips("", kEndGroup));
  EXPECT_FALSE(Skips("123", kFixed32));
  EXPECT_FALSE(Skips("1234567", kFixed64));
}

TEST(Wire, RefusesGroupsThatNestTooDeeply) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) {
    bytes += '\x0b';
  }
  EXPECT_FALSE(Skips(bytes, kStartGroup));
}

TEST(Wire, ReadsSignedNumbers) {
  uint64_t bits;
  const std::string one("\x01", 1);
  ASSERT_NE(ReadNumber(FieldDescriptor::TYPE_SINT32, one.data(), one.data() + 1, &bits), nullptr);
  EXPECT_EQ(static_cast<int64_t>(bits), -1);
  ASSERT_NE(ReadNumber(FieldDescriptor::TYPE_SINT64, one.data(), one.data() + 1, &bits), nullptr);
  EXPECT_EQ(static_cast<int64_t>(bits), -1);
  const std::string fixed("\xfe\xff\xff\xff", 4);
  ASSERT_NE(ReadNumber(FieldDescriptor::TYPE_SFIXED32, fixed.data(), fixed.data() + 4, &bits), nullptr);
  EXPECT_EQ(static_cast<int64_t>(bits), -2);
  ASSERT_NE(ReadNumber(FieldDescriptor::TYPE_FIXED32, fixed.data(), fixed.data() + 4, &bits), nullptr);
  EXPECT_EQ(bits, 0xfffffffeU);
  // A negative int32 takes ten bytes; of longer numbers the low half counts.
  const std::string cut("\x80\x80\x80\x80\x78", 5);
  ASSERT_NE(ReadNumber(FieldDescriptor::TYPE_INT32, cut.data(), cut.data() + 5, &bits), nullptr);
  EXPECT_EQ(static_cast<int64_t>(bits), INT32_MIN);
}

}  // namespace
}  // namespace millrace::warehouse::wire
