#include "protobuf/local_day.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

int64_t Micros(const absl::CivilSecond& utc) { return absl::ToUnixMicros(absl::FromCivil(utc, absl::UTCTimeZone())); }

absl::TimeZone Zone(const char* name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

TEST(LocalDay, IsTheDayOfTheZone) {
  LocalDay utc(absl::UTCTimeZone());
  EXPECT_EQ(utc.Of(0), 0);
  EXPECT_EQ(utc.Of(-1), -1);
  EXPECT_EQ(utc.Of(Micros(absl::CivilSecond(1970, 1, 2)) - 1), 0);
  LocalDay berlin(Zone("Europe/Berlin"));
  EXPECT_EQ(berlin.Of(Micros(absl::CivilSecond(2026, 11, 29, 22, 59, 59))),
            berlin.Of(Micros(absl::CivilSecond(2026, 11, 29, 12, 0, 0))));
  EXPECT_EQ(berlin.Of(Micros(absl::CivilSecond(2026, 11, 29, 23, 0, 0))),
            absl::CivilDay(2026, 11, 30) - absl::CivilDay(1970, 1, 1));
}

TEST(LocalDay, AgreesWithTheZoneAroundChangesOfClocks) {
  // Clocks that change at night, at midnight (Cairo, both ways), and a day that there never was (Apia, 2011-12-30).
  for (const char* name : {"Europe/Berlin", "Africa/Cairo", "Pacific/Apia", "America/Sao_Paulo"}) {
    const absl::TimeZone zone = Zone(name);
    LocalDay day(zone);
    for (int year : {2011, 2014, 2018, 2023}) {
      const int64_t begin = Micros(absl::CivilSecond(year, 1, 1));
      for (int64_t micros = begin; micros < begin + 370LL * 86'400'000'000; micros += 1'799'000'000) {
        const absl::CivilDay civil(zone.At(absl::FromUnixMicros(micros)).cs);
        ASSERT_EQ(day.Of(micros), civil - absl::CivilDay(1970, 1, 1)) << name << " " << micros;
      }
    }
  }
}

}  // namespace
}  // namespace millrace::warehouse
