#include "debezium/debezium_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace millrace::internal {
namespace {

using Unit = DebeziumTimeUnit;

// "seconds.nanos", or "none".
std::string Shown(const std::optional<DebeziumMoment>& moment) {
  return moment ? std::to_string(moment->seconds) + "." + std::to_string(moment->nanos) : "none";
}

TEST(DebeziumText, DecimalsAreScaledExactly) {
  EXPECT_EQ(ParseScaledDecimal("12.34", 2), 1234);
  EXPECT_EQ(ParseScaledDecimal("-12.3", 2), -1230);
  EXPECT_EQ(ParseScaledDecimal("0.00", 0), 0);
  EXPECT_EQ(ParseScaledDecimal("+7", 0), 7);
  EXPECT_EQ(ParseScaledDecimal("12.00", 0), 12);
  EXPECT_EQ(ParseScaledDecimal("1E+3", 0), 1000);
  EXPECT_EQ(ParseScaledDecimal("12e-1", 1), 12);
  EXPECT_EQ(ParseScaledDecimal("0E-20", 0), 0);
}

TEST(DebeziumText, ADecimalWithMorePlacesThanTheScaleIsNone) {
  EXPECT_EQ(ParseScaledDecimal("12.345", 2), std::nullopt);
  EXPECT_EQ(ParseScaledDecimal("0.5", 0), std::nullopt);
  EXPECT_EQ(ParseScaledDecimal("1E-2000000000", 2), std::nullopt);
}

TEST(DebeziumText, ADecimalHasUpTo38Digits) {
  const std::string most(38, '9');
  EXPECT_TRUE(ParseScaledDecimal(most, 0).has_value());
  EXPECT_TRUE(ParseScaledDecimal("-" + most, 0).has_value());
  EXPECT_EQ(ParseScaledDecimal(most, 1), std::nullopt);
  EXPECT_EQ(ParseScaledDecimal("1" + most, 0), std::nullopt);
  EXPECT_EQ(ParseScaledDecimal("1E+2000000000", 0), std::nullopt);
  EXPECT_TRUE(ParseScaledDecimal("0000000000000000000000000000000000000000001", 0).has_value());
}

TEST(DebeziumText, WhatIsNoDecimalIsNone) {
  for (const char* text : {"", "-", ".", "NAN", "1,5", "1.2.3", "1E", "0x10", " 1", "1 "}) {
    EXPECT_EQ(ParseScaledDecimal(text, 2), std::nullopt) << text;
  }
}

TEST(DebeziumText, MomentsAreReadToTheNanosecond) {
  EXPECT_EQ(Shown(ParseMoment("1970-01-01T00:00:00Z")), "0.0");
  EXPECT_EQ(Shown(ParseMoment("2026-11-30T07:09:10.123456Z")), "1796022550.123456000");
  EXPECT_EQ(Shown(ParseMoment("2026-11-30T08:09:10.5+01:00")), "1796022550.500000000");
  EXPECT_EQ(Shown(ParseMoment("2026-11-30T05:39:10-01:30")), "1796022550.0");
  EXPECT_EQ(Shown(ParseMoment("1969-12-31T23:59:59.999999999Z")), "-1.999999999");
  EXPECT_EQ(Shown(ParseMoment("2024-02-29T12:00")), "1709208000.0");
}

TEST(DebeziumText, ADateIsItsMidnight) {
  EXPECT_EQ(Shown(ParseMoment("2026-11-30Z")), "1795996800.0");
  EXPECT_EQ(Shown(ParseMoment("1900-01-01")), "-2208988800.0");
}

TEST(DebeziumText, WhatIsNoMomentOrNoneOfATimestampIsNone) {
  for (const char* text : {"", "infinity", "-infinity", "2026-11", "2026-02-29Z", "2026-13-01Z", "10:11:12Z",
                           "2026-11-30T24:00:00Z", "2026-11-30T10:60:00Z", "2026-11-30T10:00:61Z", "2026-11-30T10:00:00.Z",
                           "2026-11-30T10:00:00.1234567891Z", "2026-11-30T10:00:00+1", "2026-11-30T10:00:00ZZ",
                           "-0043-03-15T00:00:00.000000Z", "+292269055-12-02Z", "0000-01-01Z", "9999-12-31T23:59:59-01:00"}) {
    EXPECT_EQ(Shown(ParseMoment(text)), "none") << text;
  }
}

TEST(DebeziumText, CountsBecomeMomentsAndBack) {
  EXPECT_EQ(Shown(MomentOf(20422, Unit::kDays)), "1764460800.0");
  EXPECT_EQ(Shown(MomentOf(-1, Unit::kMicroseconds)), "-1.999999000");
  EXPECT_EQ(Shown(MomentOf(1500, Unit::kMilliseconds)), "1.500000000");
  EXPECT_EQ(Shown(MomentOf(-7, Unit::kSeconds)), "-7.0");
  EXPECT_EQ(Shown(MomentOf(5, Unit::kNanoseconds)), "0.5");
  for (const Unit unit : {Unit::kDays, Unit::kSeconds, Unit::kMilliseconds, Unit::kMicroseconds, Unit::kNanoseconds}) {
    for (const int64_t count : {int64_t{-400000}, int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{400000}}) {
      EXPECT_EQ(CountOf(*MomentOf(count, unit), unit), count);
    }
    const bool fits = unit == Unit::kNanoseconds;  // 292 years
    EXPECT_EQ(MomentOf(std::numeric_limits<int64_t>::max(), unit).has_value(), fits);
  }
}

TEST(DebeziumText, CountsAreRoundedDown) {
  EXPECT_EQ(CountOf({-1, 999999999}, Unit::kMilliseconds), -1);
  EXPECT_EQ(CountOf({1, 1999999}, Unit::kMilliseconds), 1001);
  EXPECT_EQ(CountOf({-1, 0}, Unit::kDays), -1);
  EXPECT_EQ(CountOf({86399, 0}, Unit::kDays), 0);
  EXPECT_EQ(CountOf({253402300799, 0}, Unit::kNanoseconds), std::nullopt);
}

TEST(DebeziumText, DaysAreThoseOfTheCalendar) {
  const DebeziumDay day = DayOf(-1);
  EXPECT_EQ(day.year, 1969);
  EXPECT_EQ(day.month, 12U);
  EXPECT_EQ(day.day, 31U);
}

}  // namespace
}  // namespace millrace::internal
