#include "warehouse_commands/table_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "some_tables.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int64_t kNow = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

TEST(TableListing, HasALineForEachTable) {
  warehouse::TableInfo table = SomeTable("shop", "payments");
  table.rows = 1234;
  table.files = 3;
  table.bytes = 5 << 20;
  table.last_commit_ms = kNow - 61'000;
  table.valid_through_ms = kNow - 3 * 3'600'000;
  EXPECT_EQ(ListTables({table, SomeTable("shop", "empty")}, kNow),
            "TABLE          ROWS  FILES  SIZE     SNAPSHOTS  LAST COMMIT                      VALID THROUGH\n"
            "shop.payments  1234  3      5.0 MiB  0          2023-11-14T22:12:19Z (61 s ago)  2023-11-14T19:13:20Z (3 h ago)\n"
            "shop.empty     0     0      0 B      0          none                             unknown\n");
  EXPECT_EQ(ListTables({}, kNow), "the warehouse has no tables\n");
}

TEST(TableListing, DescribesATable) {
  warehouse::TableInfo table = SomeTable("shop", "payments");
  table.partition_by = {"day(paid_at)"};
  table.landed = {{"app", "payments", {{0, {17, kNow}}, {2, {0, std::nullopt}}}}};
  EXPECT_THAT(DescribeTable(table, kNow),
              AllOf(HasSubstr("shop.payments\n  location        file:///data/shop/payments\n"),
                    HasSubstr("partitioned by  day(paid_at)\n"), HasSubstr("  id           long           required\n"),
                    HasSubstr("  amount       decimal(18,2)            The payer's \"money\".\n"),
                    HasSubstr("  parts        struct\n    a          int\n"), HasSubstr("landed by app from topic payments\n"),
                    HasSubstr("  0          17           2023-11-14T22:13:20Z (0 s ago)\n"),
                    HasSubstr("  2          0            none\n")));
}

TEST(TableListing, JsonHasAllOfIt) {
  warehouse::TableInfo table = SomeTable("shop", "payments");
  table.valid_through_ms = kNow;
  table.snapshot = 42;
  table.landed = {{"app", "payments", {{1, {17, kNow}}}}};
  const auto json = nlohmann::json::parse(TablesAsJson({table}));
  ASSERT_THAT(json, SizeIs(1));
  EXPECT_EQ(json[0]["namespace"], "shop");
  EXPECT_EQ(json[0]["valid_through"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(json[0]["valid_through_ms"], kNow);
  EXPECT_EQ(json[0]["snapshot"], 42);
  EXPECT_FALSE(json[0].contains("last_commit"));
  EXPECT_EQ(json[0]["columns"][1]["doc"], "The payer's \"money\".");
  EXPECT_EQ(json[0]["columns"][3]["fields"][0]["name"], "a");
  EXPECT_EQ(json[0]["landed"][0]["partitions"][0]["next_offset"], 17);
}

TEST(SelectTables, FindsTablesWithAndWithoutTheirNamespace) {
  const std::vector<warehouse::TableInfo> all = {SomeTable("b", "x"), SomeTable("a", "x"), SomeTable("a", "y")};
  EXPECT_EQ(SelectTables(all, {})->front().name_space, "a");
  EXPECT_EQ(SelectTables(all, {"b.x"})->front().name_space, "b");
  EXPECT_EQ(SelectTables(all, {"y"})->front().name_space, "a");
  const absl::Status ambiguous = SelectTables(all, {"x"}).status();
  EXPECT_EQ(ambiguous.code(), absl::StatusCode::kInvalidArgument);
  const absl::Status missing = SelectTables(all, {"z"}).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("it has a.x, a.y, b.x"));
}

}  // namespace
}  // namespace millrace
