#include "parquet/single_value.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

TEST(SingleValue, IsLittleEndianForNumbers) {
  EXPECT_EQ(SingleValue(int32_t{1}), std::string("\x01\0\0\0", 4));
  EXPECT_EQ(SingleValue(int64_t{-2}), std::string("\xfe\xff\xff\xff\xff\xff\xff\xff", 8));
  EXPECT_EQ(SingleValue(1.0F), std::string("\0\0\x80\x3f", 4));
  EXPECT_EQ(SingleValue(uint8_t{1}), std::string("\x01", 1));
}

TEST(SingleValue, TakesAsFewBytesAsADecimalNeeds) {
  EXPECT_EQ(SingleDecimal(0), std::string("\0", 1));
  EXPECT_EQ(SingleDecimal(127), "\x7f");
  EXPECT_EQ(SingleDecimal(128), std::string("\0\x80", 2));
  EXPECT_EQ(SingleDecimal(-1), "\xff");
  EXPECT_EQ(SingleDecimal(-128), "\x80");
  EXPECT_EQ(SingleDecimal(-129), "\xff\x7f");
  EXPECT_EQ(SingleDecimal(1420), "\x05\x8c");  // 14.20
}

TEST(SingleValue, KeepsShortBounds) {
  EXPECT_EQ(LowerBound("short", true), "short");
  EXPECT_EQ(UpperBound("short", true), "short");
  EXPECT_EQ(UpperBound("0123456789abcdef", true), "0123456789abcdef");
}

TEST(SingleValue, CutsBoundsByCodePoints) {
  EXPECT_EQ(LowerBound("0123456789abcdefg", true), "0123456789abcdef");
  EXPECT_EQ(UpperBound("0123456789abcdefg", true), "0123456789abcdeg");
  const std::string euros = "\xe2\x82\xac";
  std::string text;
  for (int i = 0; i < 17; ++i) {
    text += euros;
  }
  EXPECT_EQ(LowerBound(text, true), text.substr(0, 48));
  EXPECT_EQ(UpperBound(text, true), text.substr(0, 45) + "\xe2\x82\xad");
}

TEST(SingleValue, CarriesOverTheLastCodePoint) {
  const std::string last = "\xf4\x8f\xbf\xbf";
  EXPECT_EQ(UpperBound("0123456789abcde" + last + "x", true), "0123456789abcdf");
  // The one after U+D7FF is U+E000, and after U+007F comes one of two bytes.
  EXPECT_EQ(UpperBound("0123456789abcde\xed\x9f\xbfx", true), "0123456789abcde\xee\x80\x80");
  EXPECT_EQ(UpperBound("0123456789abcde\x7fx", true), "0123456789abcde\xc2\x80");
  std::string all;
  for (int i = 0; i < 17; ++i) {
    all += last;
  }
  EXPECT_EQ(UpperBound(all, true), std::nullopt);
}

TEST(SingleValue, CutsBytesByBytes) {
  EXPECT_EQ(UpperBound(std::string(15, 'a') + "\xff" + "x", false), std::string(14, 'a') + "b");
  EXPECT_EQ(UpperBound(std::string(17, '\xff'), false), std::nullopt);
  EXPECT_EQ(LowerBound(std::string(17, '\xff'), false), std::string(16, '\xff'));
}

}  // namespace
}  // namespace millrace::warehouse
