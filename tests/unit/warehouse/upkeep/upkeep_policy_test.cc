#include "upkeep/upkeep_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/fs_catalog.h"
#include "storage/local_storage.h"

namespace millrace::warehouse {
namespace {

TEST(UpkeepPolicyTest, IsOnWithoutAWord) {
  std::map<std::string, std::string> settings;
  const auto policy = UpkeepPolicy::Take(&settings);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_TRUE(policy->on);
  EXPECT_EQ(policy->min_input_files, 6);
  EXPECT_EQ(policy->max_snapshot_age_ms, 86'400'000);
}

TEST(UpkeepPolicyTest, TakesItsSettingsAndLeavesOthers) {
  std::map<std::string, std::string> settings = {{"upkeep", "off"},
                                                 {"history.expire.max-snapshot-age-ms", "5"},
                                                 {"history.expire.min-snapshots-to-keep", "7"},
                                                 {"errors", "skip"}};
  const auto policy = UpkeepPolicy::Take(&settings);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_FALSE(policy->on);
  EXPECT_EQ(policy->max_snapshot_age_ms, 5);
  EXPECT_EQ(policy->min_snapshots, 7);
  EXPECT_EQ(settings, (std::map<std::string, std::string>{{"errors", "skip"}}));
}

TEST(UpkeepPolicyTest, KnowsTheNamesOfAllThatItTakes) {
  std::map<std::string, std::string> settings;
  for (const std::string& name : UpkeepPolicy::Names()) settings[name] = name == "upkeep" ? "on" : "86400000";
  EXPECT_TRUE(UpkeepPolicy::Take(&settings).ok());
  EXPECT_TRUE(settings.empty());
}

TEST(UpkeepPolicyTest, RefusesAgesAtWhichFilesMayStillBeNeeded) {
  std::map<std::string, std::string> settings = {{"orphan.max-age-ms", "86399999"}};
  EXPECT_THAT(std::string(UpkeepPolicy::Take(&settings).status().message()), testing::HasSubstr("orphan.max-age-ms"));

  const FsCatalog catalog(std::make_shared<LocalStorage>(), "file:///warehouse");
  settings = {{"metadata.max-age-ms", "86399999"}};
  EXPECT_THAT(std::string(UpkeepPolicy::Take(&settings)->CheckFor(catalog).message()), testing::HasSubstr("at least 86400000"));
  settings = {{"metadata.max-age-ms", "86400000"}};
  EXPECT_TRUE(UpkeepPolicy::Take(&settings)->CheckFor(catalog).ok());
  EXPECT_TRUE(UpkeepPolicy().CheckFor(catalog).ok());
}

TEST(UpkeepPolicyTest, RefusesWhatItDoesNotKnow) {
  std::map<std::string, std::string> settings = {{"upkeep", "maybe"}};
  EXPECT_EQ(UpkeepPolicy::Take(&settings).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace millrace::warehouse
