#include "reading/day_column.h"

#include "reading_test_support.h"

namespace millrace::warehouse {
namespace {

class DayColumnTest : public ReadingFixture {
 protected:
  TableDays Days(const std::string& column = "day") {
    auto days = warehouse_->Days("shop", "payments", column);
    EXPECT_TRUE(days.ok()) << days.status();
    return days.ok() ? *days : TableDays();
  }
};

TEST_F(DayColumnTest, ADayIsCompleteWhenTheTableIsValidThroughItsEndInItsTimeZone) {
  const int64_t midnight = 1000 * (kLateEvening - kHour - kHour / 2);  // of the 4th, in Berlin
  Land({{1, kLateEvening - 30 * kHour}, {2, kLateEvening}}, midnight - 1);
  EXPECT_EQ(Days().time_zone, "Europe/Berlin");
  EXPECT_EQ(Days().first, kThird - 1);
  EXPECT_EQ(Days().last_complete, kThird - 1);
  EXPECT_EQ(Days("paid_at").first, kThird - 1);
  Land({}, midnight);
  EXPECT_EQ(Days().last_complete, kThird);
  EXPECT_EQ(Days().snapshot, warehouse_->Tables()->front().snapshot);
}

TEST_F(DayColumnTest, WithoutRowsOrTimesNoDayIsKnown) {
  ASSERT_TRUE(warehouse_->OpenLanding(description_).ok());
  EXPECT_EQ(Days().snapshot, std::nullopt);
  EXPECT_EQ(Days().first, std::nullopt);
  Land({{1, std::nullopt}}, std::nullopt);
  EXPECT_EQ(Days().first, std::nullopt);
  EXPECT_EQ(Days().last_complete, std::nullopt);
}

TEST_F(DayColumnTest, FilesThatDoNotSayWhatTheyHaveAreLookedAt) {
  Land({{1, kLateEvening}, {2, std::nullopt}, {3, kLateEvening - 24 * kHour}}, std::nullopt);
  const LoadedTable table = *catalog_.Load({"shop", "payments"});
  const Snapshot& snapshot = *table.metadata.current_snapshot();
  std::vector<ManifestFile> manifests = *ReadManifestList(*storage_, snapshot);
  Manifest manifest = *ReadManifest(*storage_, manifests.front());
  for (ManifestEntry& entry : manifest.entries) {
    entry.file.lower_bounds.clear();
    entry.file.upper_bounds.clear();
    entry.file.null_value_counts.clear();
  }
  const std::string content = *EncodeManifest(table.metadata.schema(), table.metadata.spec(), manifest.entries);
  ASSERT_TRUE(storage_->Write(manifests.front().path, content).ok());
  EXPECT_EQ(Days().first, kThird);
  EXPECT_EQ(Read({"payment_id"}, ReadDescription::Day{"day", kThird}), std::vector<TextRow>{TextRow{"3"}});
}

}  // namespace
}  // namespace millrace::warehouse
