#include "parquet/value_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace millrace::warehouse {
namespace {

/// What a function that appends makes of nothing.
template <class Append, class... Arguments>
std::string Text(Append append, Arguments... arguments) {
  std::string text;
  append(arguments..., &text);
  return text;
}

std::string Date(int64_t days) { return Text(AppendDateText, days); }
std::string Instant(int64_t micros) { return Text(AppendInstantText, micros); }
std::string Decimal(absl::int128 unscaled, int scale) { return Text(AppendDecimalText, unscaled, scale); }
std::string Double(double value) {
  return Text([](double number, std::string* out) { AppendFloatText(number, out); }, value);
}
std::string Float(float value) {
  return Text([](float number, std::string* out) { AppendFloatText(number, out); }, value);
}

TEST(ValueText, DatesAreIso) {
  EXPECT_EQ(Date(0), "1970-01-01");
  EXPECT_EQ(Date(-1), "1969-12-31");
  EXPECT_EQ(Date(20786), "2026-11-29");
  EXPECT_EQ(Date(-719162), "0001-01-01");
  EXPECT_EQ(Date(2932897), "10000-01-01");
}

TEST(ValueText, InstantsAreInUtcWithMicroseconds) {
  EXPECT_EQ(Instant(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(Instant(1), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(Instant(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(Instant(86'400'000'000 + 3'661'000'000), "1970-01-02T01:01:01.000000Z");
}

TEST(ValueText, DecimalsHaveAllTheirDigits) {
  EXPECT_EQ(Decimal(0, 2), "0.00");
  EXPECT_EQ(Decimal(-5, 2), "-0.05");
  EXPECT_EQ(Decimal(142000, 2), "1420.00");
  EXPECT_EQ(Decimal(7, 0), "7");
  EXPECT_EQ(Decimal(1, 9), "0.000000001");
  EXPECT_EQ(Decimal(absl::Int128Min(), 0), "-170141183460469231731687303715884105728");
  EXPECT_EQ(Decimal(absl::Int128Max(), 38), "1.70141183460469231731687303715884105727");
}

TEST(ValueText, FloatsAreAsShortAsTheyCanBe) {
  EXPECT_EQ(Double(0.1), "0.1");
  EXPECT_EQ(Float(0.1F), "0.1");
  EXPECT_EQ(Double(-1e300), "-1e+300");
  EXPECT_EQ(Double(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(Double(-std::numeric_limits<double>::infinity()), "-Infinity");
}

TEST(ValueText, TextsOfJsonAreQuoted) {
  EXPECT_EQ(Text(AppendJsonText, "a\"b\\c\nd\x01\x7f\xC3\xA4"), "\"a\\\"b\\\\c\\nd\\u0001\x7f\xC3\xA4\"");
}

}  // namespace
}  // namespace millrace::warehouse
