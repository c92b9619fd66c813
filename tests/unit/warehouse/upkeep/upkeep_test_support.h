#ifndef MILLRACE_TESTS_UNIT_WAREHOUSE_UPKEEP_UPKEEP_TEST_SUPPORT_H_
#define MILLRACE_TESTS_UNIT_WAREHOUSE_UPKEEP_UPKEEP_TEST_SUPPORT_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "catalog/table_files.h"
#include "landing_test_support.h"
#include "upkeep/data_file_reader.h"
#include "upkeep/partition_writer.h"

namespace millrace::warehouse {

/// A table shop.numbers (x int, word string, part int), partitioned by the identity of `part`, in a folder of its own; with a
/// writer of commits.
class UpkeepFixture : public LandingFixture {
 protected:
  static constexpr int kX = 1;
  static constexpr int kWord = 2;
  static constexpr int kPart = 3;
  static constexpr int64_t kSomeBytes = 1000;  // local files know their size

  UpkeepFixture() {
    now_ms_ = WallClockMs();  // as the catalog's
    Schema schema;
    schema.fields = {{kX, "x", true, {Type::Kind::kInt, 0, 0, {}}, ""},
                     {kWord, "word", false, {Type::Kind::kString, 0, 0, {}}, ""},
                     {kPart, "part", true, {Type::Kind::kInt, 0, 0, {}}, ""}};
    PartitionSpec spec;
    spec.fields.push_back({kPart, 1000, "part", Transform::kIdentity});
    EXPECT_TRUE(catalog_.Create(name_, schema, spec, {}).ok());
    EXPECT_TRUE(committer_.Refresh().ok());
  }

  LoadedTable Table() {
    auto table = catalog_.Load(name_);
    EXPECT_TRUE(table.ok()) << table.status();
    return *std::move(table);
  }
  /// Rows [from, to) of x, in one file.
  DataFile WriteFile(int part, int from, int to) {
    const TableMetadata table = Table().metadata;
    RowBatch batch(table.schema());
    for (int x = from; x < to; ++x) {
      if (auto* ints = batch.Find<FixedColumn<int32_t>>(kX)) ints->Set(batch.rows(), x);
      if (auto* longs = batch.Find<FixedColumn<int64_t>>(kX)) longs->Set(batch.rows(), x);
      if (auto* words = batch.Find<BytesColumn>(kWord); words != nullptr && x % 3 != 0) {
        EXPECT_TRUE(words->Set(batch.rows(), "w" + std::to_string(x)));
      }
      batch.Find<FixedColumn<int32_t>>(kPart)->Set(batch.rows(), part);
      batch.FinishRow();
    }
    PartitionWriter writer(storage_.get(), table, {part}, writer_options_);
    EXPECT_TRUE(writer.Append(batch, 0, batch.rows()).ok());
    const auto files = writer.Finish();
    EXPECT_TRUE(files.ok()) << files.status();
    return files->at(0);
  }
  /// A commit of the next ten rows, as one file of a partition.
  void CommitTen(int part) {
    const DataFile file = WriteFile(part, next_, next_ + 10);
    EXPECT_TRUE(committer_.Refresh().ok());
    EXPECT_TRUE(*committer_.Commit({file}, {{0, {next_, next_ + 10, now_ms_}}}));
    next_ += 10;
  }
  std::vector<LiveFile> Files() {
    const LoadedTable table = Table();
    if (table.metadata.current_snapshot() == nullptr) return {};
    auto files = ReadLiveFiles(*storage_, table.metadata, *table.metadata.current_snapshot());
    EXPECT_TRUE(files.ok()) << files.status();
    return *std::move(files);
  }
  /// The values of x in a file, in its order, with their words.
  std::vector<std::pair<int64_t, std::string>> RowsOf(const std::string& path) {
    std::vector<std::pair<int64_t, std::string>> rows;
    const Schema schema = Table().metadata.schema();
    auto reader = DataFileReader::Open(storage_.get(), path, kSomeBytes, schema);
    EXPECT_TRUE(reader.ok()) << reader.status();
    RowBatch batch(schema);
    while (true) {
      const auto more = (*reader)->Read(&batch);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
    }
    for (int64_t row = 0; row < batch.rows(); ++row) {
      const auto* ints = batch.Find<FixedColumn<int32_t>>(kX);
      const auto* words = batch.Find<BytesColumn>(kWord);
      const int64_t x = ints != nullptr ? ints->values()[row] : batch.Find<FixedColumn<int64_t>>(kX)->values()[row];
      rows.emplace_back(x, words == nullptr || words->IsNull(row) ? "" : std::string(words->Get(row)));
    }
    return rows;
  }
  /// All rows of the table, sorted.
  std::vector<std::pair<int64_t, std::string>> AllRows() {
    std::vector<std::pair<int64_t, std::string>> rows;
    for (const LiveFile& file : Files()) {
      const auto of_file = RowsOf(file.file.path);
      rows.insert(rows.end(), of_file.begin(), of_file.end());
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  /// What rows [0, n) are.
  static std::vector<std::pair<int64_t, std::string>> Expected(int n) {
    std::vector<std::pair<int64_t, std::string>> rows;
    for (int x = 0; x < n; ++x) rows.emplace_back(x, x % 3 != 0 ? "w" + std::to_string(x) : "");
    return rows;
  }
  /// Paths below a folder of the table.
  std::vector<std::string> Listed(const std::string& folder) {
    std::vector<std::string> paths;
    EXPECT_TRUE(
        storage_->List(location_ + "/" + folder, [&](const Storage::FileInfo& file) { paths.push_back(file.path); }).ok());
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  const TableName name_{"shop", "numbers"};
  const std::string location_ = "file://" + folder_ + "/shop/numbers";
  PartitionWriter::Options writer_options_{spool_, "app-numbers", int64_t{1} << 20, {}};
  TableCommitter committer_{&catalog_, storage_.get(), name_, "app", "numbers", clock_};
  int next_ = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_TESTS_UNIT_WAREHOUSE_UPKEEP_UPKEEP_TEST_SUPPORT_H_
