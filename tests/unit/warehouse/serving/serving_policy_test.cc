#include "serving/serving_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ServingPolicyTest, UpsertsByTheKeyOfTheRecordUnlessToldOtherwise) {
  const auto policy = ServingPolicy::Parse({});
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->mode, ServingPolicy::Mode::kUpsert);
  EXPECT_THAT(policy->key_columns, ElementsAre("_key"));
  EXPECT_EQ(policy->mapping.key, MappingOptions::Key::kBinary);
  EXPECT_EQ(policy->errors, LandingPolicy::Errors::kFail);
  EXPECT_EQ(policy->evolution.removal, EvolutionPolicy::Removal::kKeep);
}

TEST(ServingPolicyTest, TakesSettings) {
  const auto policy = ServingPolicy::Parse({{"key.columns", "a, b"},
                                            {"errors", "dead-letter"},
                                            {"schema.type.change", "new-column"},
                                            {"columns._key", "string"},
                                            {"columns.cents.decimal", "18,2"}});
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_THAT(policy->key_columns, ElementsAre("a", "b"));
  EXPECT_EQ(policy->errors, LandingPolicy::Errors::kDeadLetter);
  EXPECT_EQ(policy->evolution.type_change, EvolutionPolicy::TypeChange::kNewColumn);
  EXPECT_EQ(policy->mapping.key, MappingOptions::Key::kString);
  EXPECT_EQ(policy->mapping.decimals.size(), 1);
}

TEST(ServingPolicyTest, NeedsTheKeyOfTheRecordOnlyWhereItIsTheKey) {
  EXPECT_EQ(ServingPolicy::Parse({{"key.columns", "a"}})->mapping.key, MappingOptions::Key::kNone);
  const auto append = ServingPolicy::Parse({{"mode", "append"}});
  ASSERT_TRUE(append.ok()) << append.status();
  EXPECT_TRUE(append->key_columns.empty());
  EXPECT_EQ(append->mapping.key, MappingOptions::Key::kNone);
}

TEST(ServingPolicyTest, SaysWhatIsWrong) {
  const auto error = [](std::map<std::string, std::string> settings) {
    const absl::Status status = ServingPolicy::Parse(std::move(settings)).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(error({{"mode", "replace"}}), HasSubstr("expected one of upsert, append"));
  EXPECT_THAT(error({{"mode", "append"}, {"key.columns", "a"}}), HasSubstr("mode=append has no key"));
  EXPECT_THAT(error({{"key.columns", "a,,b"}}), HasSubstr("names of columns with commas"));
  EXPECT_THAT(error({{"key.columns", "a,a"}}), HasSubstr("names of columns with commas"));
  EXPECT_THAT(error({{"partition.by", "none"}}), HasSubstr("partition.by: a table in PostgreSQL has no such setting"));
  EXPECT_THAT(error({{"schema.removal", "drop"}}), HasSubstr("schema.removal"));
  EXPECT_THAT(error({{"errors", "what"}}), HasSubstr("errors=what"));
  EXPECT_THAT(error({{"nonsense", "1"}}), HasSubstr("nonsense"));
}

}  // namespace
}  // namespace millrace::warehouse
