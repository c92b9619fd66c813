#include "protobuf/column_record.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

TEST(ColumnRecord, IsTheSameAfterATextOfIt) {
  ColumnRecord record;
  record.ids = {{"1", 1}, {"4.1", 9}, {"7.e", 10}, {"9.v", 13}, {"oneof(payer)", 4}, {"_offset", 5}, {"date(day)", 6}};
  const absl::StatusOr<ColumnRecord> again = ColumnRecord::Parse(record.Serialize());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, record);
  EXPECT_EQ(again->Find("4.1"), 9);
  EXPECT_EQ(again->Find("4.2"), 0);
  EXPECT_TRUE(ColumnRecord::Parse("")->ids.empty());
}

TEST(ColumnRecord, RefusesDamage) {
  for (const char* text : {"1", "1=", "=1", "1=0", "1=x", "1=1,1=2", "1=1,2=1"}) {
    EXPECT_EQ(ColumnRecord::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace millrace::warehouse
