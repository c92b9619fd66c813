#include "table/expiry.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "snapshot_test_support.h"
#include "table/snapshot_producer.h"

namespace millrace::warehouse {
namespace {

class ExpiryTest : public testing::Test {
 protected:
  // Each a second after the one before; the first at 2000.
  int64_t Commit(SnapshotProducer* producer, const std::vector<DataFile>& files) {
    EXPECT_TRUE(producer->Add(table_, files).ok());
    auto snapshot = producer->Build(table_, {}, table_.last_updated_ms + 1000);
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    table_ = After(table_, *snapshot);
    return snapshot->id;
  }

  int64_t Append(const std::string& name) {
    SnapshotProducer producer(&storage_);
    return Commit(&producer, {ShopFile(name, 1, "de", 1)});
  }

  TableMetadata Without(std::vector<int64_t> ids) {
    TableUpdate update;
    update.removed_snapshots = std::move(ids);
    auto after = Apply(table_, "v.json", update, 9000, 1'000'000);
    EXPECT_TRUE(after.ok()) << after.status();
    return *after;
  }

  MemoryStorage storage_;
  TableMetadata table_ = ShopTable();
};

TEST_F(ExpiryTest, KeepsTheYoungTheNewestAndThoseOfRefs) {
  const int64_t first = Append("a");
  const int64_t second = Append("b");
  const int64_t third = Append("c");
  Append("d");
  EXPECT_EQ(*ExpiredSnapshots(table_, 100'000, 2), (std::vector<int64_t>{second, first}));
  EXPECT_EQ(*ExpiredSnapshots(table_, 100'000, 0), (std::vector<int64_t>{third, second, first})) << "never the current one";
  EXPECT_EQ(*ExpiredSnapshots(table_, 3000, 1), (std::vector<int64_t>{first}));
  EXPECT_TRUE(ExpiredSnapshots(table_, 100'000, 9)->empty());
  table_.other_members = absl::StrCat(R"({"refs":{"audit":{"type":"tag","snapshot-id":)", first, "}}}");
  EXPECT_EQ(*ExpiredSnapshots(table_, 100'000, 2), (std::vector<int64_t>{second}));
  table_.other_members = R"({"refs":{"audit":7}})";
  EXPECT_FALSE(ExpiredSnapshots(table_, 100'000, 2).ok());
}

TEST_F(ExpiryTest, AppendsLeaveOnlyTheirListsBehind) {
  const int64_t first = Append("a");
  Append("b");
  const std::string list = table_.FindSnapshot(first)->manifest_list;
  EXPECT_EQ(*UnreferencedFiles(storage_, table_, Without({first})), std::set<std::string>{list});
}

TEST_F(ExpiryTest, ReplacedFilesGoWithTheLastSnapshotThatHasThem) {
  const int64_t first = Append("a");
  const int64_t second = Append("b");
  SnapshotProducer producer(&storage_);
  producer.Remove({ShopFile("a", 1, "de", 1).path}, SnapshotProducer::Removal::kReplace);
  Commit(&producer, {ShopFile("c", 1, "de", 1)});
  EXPECT_FALSE(UnreferencedFiles(storage_, table_, Without({first}))->contains(ShopFile("a", 1, "de", 1).path));
  const auto unused = *UnreferencedFiles(storage_, table_, Without({first, second}));
  EXPECT_TRUE(unused.contains(ShopFile("a", 1, "de", 1).path));
  EXPECT_FALSE(unused.contains(ShopFile("b", 1, "de", 1).path));
  EXPECT_EQ(unused.size(), 4U) << "a, its manifest, two lists";
}

TEST_F(ExpiryTest, MergedManifestsGoWithoutTheirFiles) {
  const int64_t first = Append("a");
  const int64_t second = Append("b");
  SnapshotProducer producer(&storage_);
  producer.MergeManifests(2, 1 << 20);
  Commit(&producer, {});
  const auto unused = *UnreferencedFiles(storage_, table_, Without({first, second}));
  EXPECT_EQ(unused.size(), 4U) << "two manifests, two lists";
  for (const std::string& file : unused) EXPECT_EQ(file.find("/data/"), std::string::npos) << file;
}

TEST_F(ExpiryTest, GoesOnAfterAnInterruptedDeletionButNotBlindly) {
  const int64_t first = Append("a");
  const int64_t second = Append("b");
  Append("c");
  const TableMetadata after = Without({first, second});
  storage_.files.erase(table_.FindSnapshot(first)->manifest_list);
  EXPECT_EQ(UnreferencedFiles(storage_, table_, after)->size(), 2U);
  storage_.files.erase(table_.current_snapshot()->manifest_list);
  EXPECT_FALSE(UnreferencedFiles(storage_, table_, after).ok()) << "what is in use is not known";
}

TEST_F(ExpiryTest, ReferencedFilesAreAllThatAnySnapshotHas) {
  Append("a");
  SnapshotProducer producer(&storage_);
  producer.Remove({ShopFile("a", 1, "de", 1).path}, SnapshotProducer::Removal::kReplace);
  Commit(&producer, {ShopFile("b", 1, "de", 1)});
  const auto files = *ReferencedFiles(storage_, table_);
  EXPECT_TRUE(files.contains(ShopFile("a", 1, "de", 1).path));
  EXPECT_TRUE(files.contains(ShopFile("b", 1, "de", 1).path));
  for (const auto& [path, content] : storage_.files) EXPECT_TRUE(files.contains(path)) << path;
}

TEST_F(ExpiryTest, MetadataFilesThatLeaveTheLogAndStatisticsAreUnreferenced) {
  Append("a");
  TableMetadata before = table_;
  before.metadata_log = {{1, "old.json"}, {2, "young.json"}};
  before.other_members = R"({"statistics":[{"snapshot-id":1,"statistics-path":"mem://s"}]})";
  TableMetadata after = table_;
  after.metadata_log = {{2, "young.json"}};
  EXPECT_EQ(*UnreferencedFiles(storage_, before, after), (std::set<std::string>{"old.json", "mem://s"}));
}

}  // namespace
}  // namespace millrace::warehouse
