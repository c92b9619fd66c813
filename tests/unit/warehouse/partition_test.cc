#include "table/partition.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "table/partition_json.h"
#include "table/partition_values.h"

namespace millrace::warehouse {
namespace {

PartitionSpec Spec(Transform transform) { return {0, {{3, 1000, "p", transform}}}; }

TEST(PartitionPath, ShowsDaysAndHoursAsDates) {
  EXPECT_EQ(PartitionPath(Spec(Transform::kDay), {int32_t{20787}}), "p=2026-11-30");
  EXPECT_EQ(PartitionPath(Spec(Transform::kDay), {int32_t{0}}), "p=1970-01-01");
  EXPECT_EQ(PartitionPath(Spec(Transform::kDay), {int32_t{-1}}), "p=1969-12-31");
  EXPECT_EQ(PartitionPath(Spec(Transform::kDay), {int32_t{11016}}), "p=2000-02-29");
  EXPECT_EQ(PartitionPath(Spec(Transform::kHour), {int32_t{20787 * 24 + 7}}), "p=2026-11-30-07");
  EXPECT_EQ(PartitionPath(Spec(Transform::kHour), {int32_t{-1}}), "p=1969-12-31-23");
}

TEST(PartitionPath, EncodesNamesAndValues) {
  const PartitionSpec spec{0, {{3, 1000, "ts_day", Transform::kDay}, {2, 1001, "a/b", Transform::kIdentity}}};
  EXPECT_EQ(PartitionPath(spec, {int32_t{1}, std::string("../x =\xc3\xa4")}), "ts_day=1970-01-02/a%2Fb=..%2Fx%20%3D%C3%A4");
  EXPECT_EQ(PartitionPath(spec, {std::monostate(), true}), "ts_day=null/a%2Fb=true");
  EXPECT_EQ(PartitionPath(spec, {int32_t{1}, int64_t{-5}}), "ts_day=1970-01-02/a%2Fb=-5");
  EXPECT_EQ(PartitionPath(PartitionSpec(), {}), "");
}

TEST(PartitionJson, SpecSurvivesARoundTrip) {
  const PartitionSpec spec{
      2, {{3, 1000, "ts_day", Transform::kDay}, {2, 1001, "country", Transform::kIdentity}, {3, 1002, "h", Transform::kHour}}};
  EXPECT_EQ(*SpecFromJson(SpecToJson(spec), "here"), spec);
  auto json = SpecToJson(spec);
  json["fields"][0]["transform"] = "bucket[16]";
  EXPECT_TRUE(absl::IsUnimplemented(SpecFromJson(json, "here").status()));
  json["fields"] = 1;
  EXPECT_TRUE(absl::IsInvalidArgument(SpecFromJson(json, "here").status()));
}

TEST(PartitionValues, TypesFollowTheTransform) {
  Schema schema;
  schema.fields = {{1, "n", true, {Type::Kind::kLong, 0, 0, {}}, ""}, {3, "ts", true, {Type::Kind::kTimestampTz, 0, 0, {}}, ""}};
  EXPECT_EQ((*PartitionTypes(Spec(Transform::kDay), schema))[0].ToString(), "date");
  EXPECT_EQ((*PartitionTypes(Spec(Transform::kHour), schema))[0].ToString(), "int");
  EXPECT_EQ((*PartitionTypes(Spec(Transform::kIdentity), schema))[0].ToString(), "timestamptz");
  EXPECT_FALSE(PartitionTypes({0, {{1, 1000, "d", Transform::kDay}}}, schema).ok()) << "a day of a number";
  EXPECT_FALSE(PartitionTypes({0, {{9, 1000, "d", Transform::kDay}}}, schema).ok()) << "no such column";
}

TEST(PartitionValues, IntsOfAPromotedColumnBecomeLongs) {
  const std::vector<Type> types = {{Type::Kind::kLong, 0, 0, {}}};
  EXPECT_EQ(*AsTypes({int32_t{5}}, types), PartitionTuple{int64_t{5}});
  EXPECT_EQ(*AsTypes({std::monostate()}, types), PartitionTuple{std::monostate()});
  EXPECT_FALSE(AsTypes({std::string("5")}, types).ok());
  EXPECT_FALSE(AsTypes({}, types).ok());
}

TEST(PartitionValues, SingleValuesAreLittleEndian) {
  EXPECT_EQ(SingleValueBytes(int32_t{-2}), "\xfe\xff\xff\xff");
  EXPECT_EQ(SingleValueBytes(int64_t{258}), std::string("\x02\x01\0\0\0\0\0\0", 8));
  EXPECT_EQ(SingleValueBytes(true), "\x01");
  EXPECT_EQ(SingleValueBytes(std::string("de")), "de");
  EXPECT_EQ(SingleValueBytes(std::monostate()), std::nullopt);
}

}  // namespace
}  // namespace millrace::warehouse
