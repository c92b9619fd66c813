#include "landing/changed_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;

class ChangedRowsTest : public testing::Test {
 protected:
  static Schema LogSchema() {
    Schema schema;
    schema.fields = {{1, "x", false, {Type::Kind::kInt, 0, 0, {}}, ""},
                     {2, "_topic_partition", true, {Type::Kind::kInt, 0, 0, {}}, ""},
                     {3, "_offset", true, {Type::Kind::kLong, 0, 0, {}}, ""},
                     {4, "_key", false, {Type::Kind::kString, 0, 0, {}}, ""},
                     {5, "_op", false, {Type::Kind::kString, 0, 0, {}}, ""}};
    return schema;
  }
  void Add(int32_t partition, int64_t offset, const std::string& key, const std::string& op, int32_t x) {
    const int64_t row = batch_.rows();
    batch_.Find<FixedColumn<int32_t>>(1)->Set(row, x);
    batch_.Find<FixedColumn<int32_t>>(2)->Set(row, partition);
    batch_.Find<FixedColumn<int64_t>>(3)->Set(row, offset);
    EXPECT_TRUE(batch_.Find<BytesColumn>(4)->Set(row, key));
    EXPECT_TRUE(batch_.Find<BytesColumn>(5)->Set(row, op));
    batch_.FinishRow();
  }
  void Take() {
    EXPECT_TRUE(changes_.Add(batch_, positions_).ok());
    batch_.Clear();
  }
  /// x of the rows that a partition's keys have now.
  std::vector<int32_t> Upserted(int32_t partition) {
    Schema schema = LogSchema();
    schema.fields.pop_back();
    for (Field& field : schema.fields) field.id += 10;
    RowBatch batch(schema);
    changes_.AppendUpserted(partition, &batch);
    EXPECT_EQ(batch.rows(), batch.Find(11)->size());
    return batch.Find<FixedColumn<int32_t>>(11)->values();
  }

  RowBatch batch_{LogSchema()};
  ChangedRows::Positions positions_ = {{0, {0, 1'000'000}}, {1, {10, 20}}};
  ChangedRows changes_{LogSchema(), {4, 2, 3, 5}};
};

TEST_F(ChangedRowsTest, KeepsTheNewestOfEachKeyInWhateverOrderTheyCome) {
  Add(0, 5, "a", "u", 5);
  Add(0, 3, "a", "u", 3);
  Add(0, 4, "b", "u", 4);
  Take();
  Add(0, 7, "b", "u", 7);
  Add(0, 6, "b", "u", 6);
  Take();
  EXPECT_EQ(changes_.keys(), 2u);
  EXPECT_THAT(Upserted(0), ElementsAre(5, 7));
}

TEST_F(ChangedRowsTest, ADeletedKeyIsChangedAndHasNoRow) {
  Add(0, 1, "a", "u", 1);
  Add(0, 2, "a", "d", 0);
  Add(0, 3, "b", "d", 0);
  Add(0, 4, "b", "u", 4);
  Take();
  EXPECT_TRUE(changes_.HasKey(0, "a"));
  EXPECT_THAT(Upserted(0), ElementsAre(4));
}

TEST_F(ChangedRowsTest, TellsPartitionsApart) {
  Add(0, 11, "a", "u", 1);
  Add(1, 11, "a", "u", 2);
  Take();
  EXPECT_THAT(Upserted(0), ElementsAre(1));
  EXPECT_THAT(Upserted(1), ElementsAre(2));
  EXPECT_THAT(changes_.Partitions(), ElementsAre(0, 1));
  EXPECT_FALSE(changes_.HasKey(2, "a"));
}

TEST_F(ChangedRowsTest, PassesOverOtherPositions) {
  Add(1, 9, "a", "u", 1);
  Add(1, 10, "b", "u", 2);
  Add(1, 20, "c", "u", 3);
  Add(7, 10, "d", "u", 4);
  Take();
  EXPECT_EQ(changes_.keys(), 1u);
  EXPECT_TRUE(changes_.HasKey(1, "b"));
}

TEST_F(ChangedRowsTest, KnowsWhetherAKeyIsInARange) {
  Add(0, 1, "d", "u", 1);
  Add(1, 11, "b", "u", 1);
  Take();
  EXPECT_TRUE(changes_.HasKeyIn(0, "a", "d"));
  EXPECT_TRUE(changes_.HasKeyIn(0, "d", "z"));
  EXPECT_FALSE(changes_.HasKeyIn(0, "a", "c"));
  EXPECT_FALSE(changes_.HasKeyIn(0, "e", "z"));
}

TEST_F(ChangedRowsTest, ForgetsRowsThatNewerOnesReplace) {
  for (int64_t offset = 0; offset < 100'000; ++offset) {
    Add(0, offset, std::to_string(offset % 10), "u", static_cast<int32_t>(offset));
    if (batch_.rows() == 5000) Take();
  }
  EXPECT_EQ(changes_.keys(), 10u);
  EXPECT_THAT(Upserted(0), ElementsAre(99990, 99991, 99992, 99993, 99994, 99995, 99996, 99997, 99998, 99999));
}

TEST_F(ChangedRowsTest, RefusesALogWithoutItsColumns) {
  ChangedRows changes(LogSchema(), {4, 2, 3, 99});
  EXPECT_EQ(changes.Add(batch_, positions_).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace millrace::warehouse
