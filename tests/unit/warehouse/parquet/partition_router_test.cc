#include "parquet/partition_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1'000'000;

Field Make(int id, std::string name, bool required, Type::Kind kind) {
  Field field;
  field.id = id;
  field.name = std::move(name);
  field.required = required;
  field.type.kind = kind;
  return field;
}

PartitionSpec By(std::vector<std::pair<int, Transform>> fields) {
  PartitionSpec spec;
  for (const auto& [id, transform] : fields) {
    spec.fields.push_back({id, 1000 + id, absl::StrCat("p", id), transform});
  }
  return spec;
}

class PartitionRouterTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("partition_router_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    schema_.fields = {Make(1, "at", false, Type::Kind::kTimestampTz), Make(2, "country", false, Type::Kind::kString),
                      Make(3, "day", true, Type::Kind::kDate), Make(4, "score", true, Type::Kind::kDouble)};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void AddRow(RowBatch* batch, std::optional<int64_t> at, const char* country, int32_t day = 0) {
    const int64_t row = batch->rows();
    if (at.has_value()) {
      batch->Find<FixedColumn<int64_t>>(1)->Set(row, *at);
    }
    if (country != nullptr) {
      ASSERT_TRUE(batch->Find<BytesColumn>(2)->Set(row, country));
    }
    batch->Find<FixedColumn<int32_t>>(3)->Set(row, day);
    batch->FinishRow();
  }
  PartitionRouter Router(PartitionSpec spec, PartitionRouter::Options options = {}) {
    return PartitionRouter(schema_, std::move(spec), std::move(options),
                           [this] { return (folder_ / std::to_string(++files_)).string(); });
  }

  std::filesystem::path folder_;
  Schema schema_;
  int files_ = 0;
};

TEST_F(PartitionRouterTest, GivesEachRowItsPartition) {
  RowBatch batch(schema_);
  AddRow(&batch, 25 * kHour, "de", 9);
  AddRow(&batch, -1, nullptr, -1);
  AddRow(&batch, std::nullopt, "");
  const auto partitions = PartitionOfRow::Create(batch, By({{1, Transform::kDay},
                                                            {1, Transform::kHour},
                                                            {2, Transform::kIdentity},
                                                            {3, Transform::kDay},
                                                            {3, Transform::kIdentity}}));
  ASSERT_TRUE(partitions.ok()) << partitions.status();
  EXPECT_EQ(partitions->Of(0), (PartitionTuple{1, 25, std::string("de"), 9, 9}));
  EXPECT_EQ(partitions->Of(1), (PartitionTuple{-1, -1, std::monostate(), -1, -1}));
  EXPECT_EQ(partitions->Of(2), (PartitionTuple{std::monostate(), std::monostate(), std::string(), 0, 0}));
}

TEST_F(PartitionRouterTest, RowsOfOnePartitionAreTheSame) {
  RowBatch batch(schema_);
  AddRow(&batch, 0, "NO", 1);
  AddRow(&batch, 24 * kHour - 1, "NO", 1);
  AddRow(&batch, 24 * kHour, "NO", 1);
  AddRow(&batch, -1, "NO", 1);
  AddRow(&batch, -24 * kHour, "DE", 2);
  AddRow(&batch, std::nullopt, nullptr, 2);
  AddRow(&batch, std::nullopt, nullptr, 2);
  const auto same = [&](int id, Transform transform, int64_t a, int64_t b) {
    const auto partitions = PartitionOfRow::Create(batch, By({{id, transform}}));
    EXPECT_EQ(partitions->Same(a, b), partitions->Of(a) == partitions->Of(b));
    return partitions->Same(a, b);
  };
  EXPECT_TRUE(same(1, Transform::kDay, 0, 1));
  EXPECT_FALSE(same(1, Transform::kDay, 1, 2));
  EXPECT_FALSE(same(1, Transform::kDay, 0, 3)) << "a day begins at midnight before 1970, too";
  EXPECT_TRUE(same(1, Transform::kDay, 3, 4));
  EXPECT_FALSE(same(1, Transform::kHour, 0, 1));
  EXPECT_FALSE(same(1, Transform::kIdentity, 0, 1));
  EXPECT_FALSE(same(1, Transform::kDay, 4, 5)) << "null is a partition of its own";
  EXPECT_TRUE(same(1, Transform::kDay, 5, 6));
  EXPECT_TRUE(same(2, Transform::kIdentity, 0, 3));
  EXPECT_FALSE(same(2, Transform::kIdentity, 3, 4));
  EXPECT_TRUE(same(3, Transform::kIdentity, 4, 5));
  EXPECT_FALSE(same(3, Transform::kIdentity, 3, 4));
}

TEST_F(PartitionRouterTest, RefusesTransformsThatDoNotFit) {
  const RowBatch batch(schema_);
  for (const PartitionSpec& spec : {By({{2, Transform::kDay}}), By({{3, Transform::kHour}}), By({{4, Transform::kIdentity}}),
                                    By({{9, Transform::kIdentity}})}) {
    EXPECT_EQ(PartitionOfRow::Create(batch, spec).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(PartitionRouterTest, WritesAFileForEachPartition) {
  RowBatch batch(schema_);
  for (int i = 0; i < 90; ++i) {
    AddRow(&batch, i * kHour, i % 2 == 0 ? "de" : "fr");
  }
  PartitionRouter router = Router(By({{1, Transform::kDay}, {2, Transform::kIdentity}}));
  ASSERT_TRUE(router.Append(batch).ok());
  EXPECT_GT(router.size_bytes(), 0);
  EXPECT_EQ(router.local_files().size(), 8U);
  const auto files = router.Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_EQ(files->size(), 8U);
  std::set<PartitionTuple> tuples;
  std::set<std::string> names;
  int64_t rows = 0;
  for (const PartitionRouter::ClosedFile& file : *files) {
    tuples.insert(file.file.partition);
    names.insert(file.local_file);
    rows += file.file.record_count;
    EXPECT_TRUE(std::filesystem::exists(file.local_file));
  }
  EXPECT_EQ(tuples.size(), 8U);
  EXPECT_EQ(names.size(), 8U);
  EXPECT_EQ(rows, 90);
  EXPECT_TRUE(router.local_files().empty());
}

TEST_F(PartitionRouterTest, ClosesTheFileThatWasNotUsedForLongest) {
  PartitionRouter::Options options;
  options.max_open = 2;
  PartitionRouter router = Router(By({{2, Transform::kIdentity}}), options);
  RowBatch batch(schema_);
  for (const char* country : {"a", "b", "a", "c", "a", "b"}) {
    AddRow(&batch, 0, country);
  }
  ASSERT_TRUE(router.Append(batch).ok());
  const auto files = router.Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  // c makes b be closed, and the second b makes c be: a is one file.
  std::multiset<std::string> countries;
  for (const PartitionRouter::ClosedFile& file : *files) {
    countries.insert(std::get<std::string>(file.file.partition[0]) + std::to_string(file.file.record_count));
  }
  EXPECT_THAT(countries, testing::ElementsAre("a3", "b1", "b1", "c1"));
}

TEST_F(PartitionRouterTest, ClosesFilesOfTheTargetSize) {
  PartitionRouter::Options options;
  options.target_bytes = 4000;
  options.file.row_group_bytes = 4000;
  PartitionRouter router = Router(By({}), options);
  for (int batches = 0; batches < 20; ++batches) {
    RowBatch batch(schema_);
    for (int i = 0; i < 100; ++i) {
      AddRow(&batch, int64_t{1'234'567} * (batches * 100 + i), "x");
    }
    ASSERT_TRUE(router.Append(batch).ok());
  }
  const auto files = router.Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_GT(files->size(), 2U);
}

}  // namespace
}  // namespace millrace::warehouse
