#include "status/status_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Timestamp At(int64_t millis) { return Timestamp::FromMillis(millis); }

internal::Instance Written(int64_t millis, int64_t interval = 5000) {
  internal::Instance instance;
  instance.set_id("a");
  instance.set_written_ms(millis);
  instance.set_interval_ms(interval);
  return instance;
}

TEST(StatusRecord, GivesBackWhatWasWritten) {
  internal::Manifest manifest;
  manifest.set_topology_hash("abc");
  EXPECT_EQ(DecodeManifest(Encode(manifest))->topology_hash(), "abc");
  EXPECT_EQ(DecodeInstance(Encode(Written(7)))->written_ms(), 7);
  EXPECT_EQ(InstanceKey("a"), "instance/a");
}

TEST(StatusRecord, TheVersionComesFirst) { EXPECT_EQ(Encode(Written(7)).substr(0, 2), "\x08\x01"); }

TEST(StatusRecord, ANewerVersionSaysSo) {
  internal::StatusRecord newer;
  newer.set_version(kStatusVersion + 1);
  newer.mutable_manifest();
  const absl::Status status = DecodeManifest(newer.SerializeAsString()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "it was written by a newer version of Millrace (format 2, this program reads up to 1); upgrade this program");
}

TEST(StatusRecord, OtherBytesAreAnErrorNotARecord) {
  for (const std::string& bytes : {std::string(), std::string("{\"version\":1}"), std::string("\xff\xff")}) {
    const absl::Status status = DecodeInstance(bytes).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << bytes;
    EXPECT_THAT(std::string(status.message()), HasSubstr("no status record"));
  }
  EXPECT_THAT(std::string(DecodeManifest(Encode(Written(1))).status().message()), HasSubstr("no manifest"));
  EXPECT_THAT(std::string(DecodeInstance(Encode(internal::Manifest())).status().message()), HasSubstr("not of an instance"));
}

TEST(StatusRecord, AnInstanceIsAliveForThreeIntervalsAndThirtySecondsAtLeast) {
  EXPECT_TRUE(IsAlive(Written(1000), At(31'000)));
  EXPECT_FALSE(IsAlive(Written(1000), At(31'001)));
  EXPECT_TRUE(IsAlive(Written(1000, 60'000), At(181'000)));
  EXPECT_FALSE(IsAlive(Written(1000, 60'000), At(181'001)));
  EXPECT_TRUE(IsAlive(Written(1000, -5), At(31'000)));
}

TEST(StatusRecord, AnInstanceOfAClockAheadIsOfAgeZero) {
  EXPECT_EQ(AgeOf(Written(1000), At(500)), 0ms);
  EXPECT_EQ(AgeOf(Written(1000), At(1500)), 500ms);
  EXPECT_TRUE(IsAlive(Written(1000), At(500)));
}

TEST(StatusRecord, TheDeadAreForgottenAfterADay) {
  constexpr int64_t kDay = 24 * 3600 * 1000;
  EXPECT_FALSE(IsForgotten(Written(1000), At(1000 + kDay)));
  EXPECT_TRUE(IsForgotten(Written(1000), At(1001 + kDay)));
}

}  // namespace
}  // namespace millrace
