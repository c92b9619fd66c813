#include "reading/table_info.h"

#include "reading_test_support.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class TableInfoTest : public ReadingFixture {};

TEST_F(TableInfoTest, TellsWhatATableIs) {
  description_.settings["partition.by"] = "day(paid_at), currency";
  Land({{1, kLateEvening}}, 5000);
  const TableInfo table = warehouse_->Tables()->front();
  EXPECT_THAT(table.partition_by, ElementsAre("day(paid_at)", "currency"));
  EXPECT_EQ(table.time_zone, "Europe/Berlin");
  EXPECT_EQ(table.valid_through_ms, 5000);
  EXPECT_TRUE(table.snapshot.has_value());
  ASSERT_THAT(table.landed, SizeIs(1));
  EXPECT_EQ(table.landed[0].application_id, "app");
  EXPECT_EQ(table.landed[0].topic, "payments");
  EXPECT_EQ(table.landed[0].partitions.at(0).next, 1);
  EXPECT_EQ(table.landed[0].partitions.at(0).stream_time_ms, 5000);
}

TEST_F(TableInfoTest, ATableWithoutDatesHasItsDaysInUtc) {
  description_.settings = {{"partition.by", "none"}};
  ASSERT_TRUE(warehouse_->OpenLanding(description_).ok());
  const TableInfo table = warehouse_->Tables()->front();
  EXPECT_EQ(table.time_zone, "UTC");
  EXPECT_THAT(table.partition_by, IsEmpty());
  EXPECT_EQ(table.snapshot, std::nullopt);
}

TEST(ColumnInfo, HasWhatIsInside) {
  Field element;
  element.id = 2;
  element.name = "element";
  element.type.kind = Type::Kind::kLong;
  Field list;
  list.id = 1;
  list.name = "numbers";
  list.required = true;
  list.doc = "Some.";
  list.type.kind = Type::Kind::kList;
  list.type.fields = {element};
  const ColumnInfo column = DescribeColumn(list);
  EXPECT_EQ(column.type, "list<long>");
  EXPECT_EQ(column.doc, "Some.");
  EXPECT_TRUE(column.required);
  ASSERT_THAT(column.fields, SizeIs(1));
  EXPECT_EQ(column.fields[0].id, 2);
}

}  // namespace
}  // namespace millrace::warehouse
