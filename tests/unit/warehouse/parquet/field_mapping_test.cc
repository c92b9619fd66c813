#include "protobuf/field_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto_text.h"

namespace millrace::warehouse {
namespace {

TEST(MappingOptions, AreReadFromLines) {
  const absl::StatusOr<MappingOptions> options = MappingOptions::Parse({{"columns.total.amount.decimal", "18,2"},
                                                                        {"columns.date.date.from", "_timestamp"},
                                                                        {"columns._key", "string"},
                                                                        {"time.zone", "Europe/Berlin"}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->decimals.at("total.amount").precision, 18);
  EXPECT_EQ(options->decimals.at("total.amount").scale, 2);
  ASSERT_EQ(options->dates.size(), 1U);
  EXPECT_EQ(options->dates[0].name, "date");
  EXPECT_EQ(options->dates[0].from, "_timestamp");
  EXPECT_EQ(options->dates[0].zone.name(), "Europe/Berlin");
  EXPECT_EQ(options->key, MappingOptions::Key::kString);
}

TEST(MappingOptions, NameTheLineThatIsWrong) {
  using Lines = std::map<std::string, std::string>;
  for (const Lines& lines :
       {Lines{{"columns.a.decimal", "18"}}, Lines{{"columns.a.decimal", "39,2"}}, Lines{{"columns.a.decimal", "2,3"}},
        Lines{{"columns.decimal", "9,2"}}, Lines{{"time.zone", "Mars/Base"}}, Lines{{"columns._key", "json"}},
        Lines{{"column.a.decimal", "9,2"}}}) {
    const absl::Status status = MappingOptions::Parse(lines).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(lines.begin()->first));
  }
}

TEST(MapFieldValue, RefusesADecimalOfAText) {
  ProtoText protos;
  const auto* message = protos.Message("message M { string name = 1; }");
  MappingOptions options;
  options.decimals["name"] = {18, 2};
  const absl::Status status = MapFieldValue(*message->field(0), "name", options, {}).status();
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("columns.name.decimal"));
}

}  // namespace
}  // namespace millrace::warehouse
