#include "landing/table_warehouse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "landing_test_support.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TableWarehouseTest : public LandingFixture {
 protected:
  TableWarehouseTest() {
    auto warehouse =
        TableWarehouse::Open(storage_, std::shared_ptr<Catalog>(std::shared_ptr<void>(), &catalog_), folder_ + "/spool", clock_);
    EXPECT_TRUE(warehouse.ok()) << warehouse.status();
    warehouse_ = *std::move(warehouse);
  }
  std::map<int32_t, int64_t> PositionsOf(const std::string& application_id) {
    description_.application_id = application_id;
    auto landing = warehouse_->OpenLanding(description_);
    EXPECT_TRUE(landing.ok()) << landing.status();
    return *(*landing)->Positions();
  }
  void Land(const std::string& application_id, int64_t from, int64_t to) {
    description_.application_id = application_id;
    auto landing = warehouse_->OpenLanding(description_);
    ASSERT_TRUE(landing.ok()) << landing.status();
    ASSERT_TRUE((*landing)->Positions().ok());
    for (int64_t offset = from; offset < to; ++offset) {
      const std::string value = Payment(offset);
      ASSERT_TRUE((*landing)->Append({0, offset, now_ms_, BytesView("key"), BytesView(value)}).ok());
    }
    ASSERT_TRUE(*(*landing)->Commit({{0, {from, to, now_ms_}}}));
  }

  std::unique_ptr<TableWarehouse> warehouse_;
};

TEST_F(TableWarehouseTest, ListsTablesAsTheirLastCommitLeftThem) {
  EXPECT_THAT(*warehouse_->Tables(), IsEmpty());
  Land("app", 0, 10);
  Land("app", 10, 15);
  const auto tables = warehouse_->Tables();
  ASSERT_TRUE(tables.ok()) << tables.status();
  ASSERT_EQ(tables->size(), 1u);
  const TableInfo& table = tables->front();
  EXPECT_EQ(table.name_space, "shop");
  EXPECT_EQ(table.table, "payments");
  EXPECT_EQ(table.rows, 15);
  EXPECT_EQ(table.files, 2);
  // Never before the state that it follows, whose time is the machine's.
  EXPECT_GE(table.last_commit_ms, now_ms_);
  EXPECT_EQ(table.valid_through_ms, now_ms_);
  EXPECT_EQ(table.columns.front().name, "payment_id");
  EXPECT_EQ(table.columns.front().type, "long");
}

TEST_F(TableWarehouseTest, AResetForgetsThePositionsOfOneApplicationAndKeepsRows) {
  Land("app", 0, 10);
  Land("other", 0, 4);
  EXPECT_THAT(*warehouse_->TablesLandedBy("app"), ElementsAre("shop.payments"));
  EXPECT_THAT(*warehouse_->TablesLandedBy("ap"), IsEmpty());
  ASSERT_TRUE(warehouse_->ResetPositions("app", /*remove_rows=*/false).ok());
  EXPECT_THAT(PositionsOf("app"), IsEmpty());
  EXPECT_EQ(PositionsOf("other").at(0), 4);
  EXPECT_EQ(Rows("payments"), 14);
  EXPECT_THAT(*warehouse_->TablesLandedBy("app"), IsEmpty());
}

TEST_F(TableWarehouseTest, AResetMakesVoidWhatWasReadBefore) {
  Land("app", 0, 10);
  auto zombie = warehouse_->OpenLanding(description_);
  ASSERT_EQ((*zombie)->Positions()->at(0), 10);
  ASSERT_TRUE(warehouse_->ResetPositions("app", /*remove_rows=*/true).ok());
  Land("app", 0, 3);
  EXPECT_FALSE(*(*zombie)->Commit({{0, {10, 20, {}}}}));
  EXPECT_EQ(PositionsOf("app").at(0), 3);
}

TEST_F(TableWarehouseTest, AResetTakesRowsOutIfAsked) {
  Land("app", 0, 10);
  ASSERT_TRUE(warehouse_->ResetPositions("app", /*remove_rows=*/true).ok());
  EXPECT_EQ(Rows("payments"), 0);
  EXPECT_EQ(warehouse_->Tables()->front().rows, 0);
  EXPECT_EQ(warehouse_->Tables()->front().valid_through_ms, std::nullopt);
  Land("app", 0, 10);
  EXPECT_EQ(Rows("payments"), 10);
}

TEST_F(TableWarehouseTest, RowsOfOthersAreNotTakenOut) {
  Land("app", 0, 10);
  Land("other", 0, 4);
  const absl::Status refused = warehouse_->ResetPositions("app", /*remove_rows=*/true);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("other.offsets.payments"));
  EXPECT_EQ(PositionsOf("app").at(0), 10);
  EXPECT_EQ(Rows("payments"), 14);
}

}  // namespace
}  // namespace millrace::warehouse
