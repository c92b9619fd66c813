#include "landing/landing_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

using testing::HasSubstr;

Schema TwoColumns() {
  Schema schema;
  Field time;
  time.id = 1;
  time.name = "_timestamp";
  time.type.kind = Type::Kind::kTimestampTz;
  Field place;
  place.id = 2;
  place.name = "place";
  place.type.kind = Type::Kind::kStruct;
  Field country;
  country.id = 3;
  country.name = "country";
  place.type.fields = {country};
  schema.fields = {time, place};
  return schema;
}

TEST(LandingPolicy, PartitionsByTheDayOfTheRecordUnlessToldOtherwise) {
  const auto policy = LandingPolicy::Parse({});
  ASSERT_TRUE(policy.ok()) << policy.status();
  const auto spec = policy->Spec(TwoColumns());
  ASSERT_TRUE(spec.ok()) << spec.status();
  ASSERT_EQ(spec->fields.size(), 1u);
  EXPECT_EQ(spec->fields[0], (PartitionField{1, 1000, "_timestamp_day", Transform::kDay}));
}

TEST(LandingPolicy, ReadsSeveralPartitionFields) {
  const auto policy = LandingPolicy::Parse({{"partition.by", "hour(_timestamp), place.country"}});
  ASSERT_TRUE(policy.ok()) << policy.status();
  const auto spec = policy->Spec(TwoColumns());
  ASSERT_TRUE(spec.ok()) << spec.status();
  ASSERT_EQ(spec->fields.size(), 2u);
  EXPECT_EQ(spec->fields[0], (PartitionField{1, 1000, "_timestamp_hour", Transform::kHour}));
  EXPECT_EQ(spec->fields[1], (PartitionField{3, 1001, "place_country", Transform::kIdentity}));
}

TEST(LandingPolicy, NoneIsNoPartition) {
  EXPECT_TRUE(LandingPolicy::Parse({{"partition.by", "none"}})->Spec(TwoColumns())->fields.empty());
}

TEST(LandingPolicy, NamesAColumnThatIsNotThere) {
  const auto spec = LandingPolicy::Parse({{"partition.by", "day(paid_at)"}})->Spec(TwoColumns());
  EXPECT_THAT(std::string(spec.status().message()), HasSubstr("no column paid_at"));
}

TEST(LandingPolicy, ReadsWhatBecomesOfErrorsAndSchemas) {
  const auto policy = LandingPolicy::Parse({{"errors", "dead-letter"},
                                            {"days.ahead", "1"},
                                            {"days.behind", "30"},
                                            {"file.bytes", "2000000"},
                                            {"schema.type.change", "new-column"},
                                            {"schema.removal", "keep"}});
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->errors, LandingPolicy::Errors::kDeadLetter);
  EXPECT_EQ(policy->days_ahead, 1);
  EXPECT_EQ(policy->days_behind, 30);
  EXPECT_EQ(policy->file_bytes, 2000000);
  EXPECT_EQ(policy->evolution.type_change, EvolutionPolicy::TypeChange::kNewColumn);
  EXPECT_EQ(policy->evolution.removal, EvolutionPolicy::Removal::kKeep);
}

TEST(LandingPolicy, NamesTheSettingThatIsWrong) {
  const std::map<std::string, std::string> wrong = {
      {"errors", "ignore"}, {"partition.by", "week(x)"}, {"days.ahead", "-1"},        {"file.bytes", "12"},
      {"partition.by", ""}, {"parttion.by", "none"},     {"schema.removal", "forget"}};
  for (const auto& [name, value] : wrong) {
    const auto policy = LandingPolicy::Parse({{name, value}});
    EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(policy.status().message()), HasSubstr(name));
  }
}

}  // namespace
}  // namespace millrace::warehouse
