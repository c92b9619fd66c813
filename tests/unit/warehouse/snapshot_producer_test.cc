#include "table/snapshot_producer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "snapshot_test_support.h"
#include "table/table_scan.h"

namespace millrace::warehouse {
namespace {

using Removal = SnapshotProducer::Removal;

class SnapshotProducerTest : public testing::Test {
 protected:
  void Append(const std::vector<DataFile>& files) {
    SnapshotProducer producer(&storage_);
    ASSERT_TRUE(producer.Add(table_, files).ok());
    Commit(&producer);
  }

  void Commit(SnapshotProducer* producer) {
    auto snapshot = producer->Build(table_, {{"commit", "x"}}, table_.last_updated_ms + 10);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    TableUpdate update;
    update.snapshot = *snapshot;
    auto after = Apply(table_, "base.json", update, snapshot->timestamp_ms, 0);
    ASSERT_TRUE(after.ok()) << after.status();
    table_ = *after;
  }

  std::string Live() {
    std::vector<std::string> names;
    auto files = ReadLiveFiles(storage_, table_, *table_.current_snapshot());
    EXPECT_TRUE(files.ok()) << files.status();
    for (const LiveFile& file : *files) {
      const size_t slash = file.file.path.rfind('/');
      names.push_back(absl::StrCat(file.file.path.substr(slash + 1, 1), file.sequence_number));
    }
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string& name : names) absl::StrAppend(&text, name, " ");
    return text;
  }

  std::vector<ManifestFile> Manifests() { return *ReadManifestList(storage_, *table_.current_snapshot()); }
  std::string Summary(const std::string& name) {
    const auto& summary = table_.current_snapshot()->summary;
    return summary.contains(name) ? summary.at(name) : "";
  }

  MemoryStorage storage_;
  TableMetadata table_ = ShopTable();
  const DataFile a_ = ShopFile("a", 1, "de", 1), b_ = ShopFile("b", 1, "de", 2), c_ = ShopFile("c", 2, "at", 4);
  const DataFile d_ = ShopFile("d", 1, "de", 3);
};

TEST_F(SnapshotProducerTest, AppendsWithTheCountersOfEngines) {
  Append({a_, b_});
  Append({c_});
  EXPECT_EQ(Live(), "a1 b1 c2 ");
  EXPECT_EQ(Summary("operation"), "append");
  EXPECT_EQ(Summary("commit"), "x");
  EXPECT_EQ(Summary("added-data-files"), "1");
  EXPECT_EQ(Summary("added-records"), "4");
  EXPECT_EQ(Summary("added-files-size"), "40");
  EXPECT_EQ(Summary("changed-partition-count"), "1");
  EXPECT_EQ(Summary("total-data-files"), "3");
  EXPECT_EQ(Summary("total-records"), "7");
  EXPECT_EQ(Summary("total-files-size"), "70");
  EXPECT_EQ(Summary("total-delete-files"), "0");
  EXPECT_EQ(Manifests()[0].sequence_number, 2);
  EXPECT_EQ(Manifests()[1].min_sequence_number, 1);
}

TEST_F(SnapshotProducerTest, LostRaceUsesItsManifestAgain) {
  SnapshotProducer loser(&storage_);
  ASSERT_TRUE(loser.Add(table_, {c_}).ok());
  auto lost = loser.Build(table_, {}, 2000);
  Append({a_});
  const size_t files = storage_.files.size();
  auto snapshot = loser.Build(table_, {}, 3000);
  EXPECT_EQ(storage_.files.size(), files + 1) << "a list and no manifest";
  EXPECT_EQ(snapshot->id, lost->id);
  EXPECT_NE(snapshot->manifest_list, lost->manifest_list);
  EXPECT_EQ(snapshot->sequence_number, 2);
  table_ = After(table_, *snapshot);
  EXPECT_EQ(Live(), "a1 c2 ");
  EXPECT_EQ(Summary("total-data-files"), "2");
  EXPECT_EQ(loser.written().size(), 3U);
  EXPECT_FALSE(loser.used().contains(lost->manifest_list));
  EXPECT_TRUE(loser.used().contains(snapshot->manifest_list));
}

TEST_F(SnapshotProducerTest, AddsNothingAndMovesOffsetsAlone) {
  SnapshotProducer producer(&storage_);
  Commit(&producer);
  EXPECT_EQ(Live(), "");
  EXPECT_EQ(Summary("operation"), "append");
  EXPECT_EQ(Summary("total-records"), "0");
}

TEST_F(SnapshotProducerTest, ReplaceKeepsSequenceNumbersOfOthers) {
  Append({a_, c_});
  Append({b_});
  SnapshotProducer producer(&storage_);
  ASSERT_TRUE(producer.Add(table_, {d_}).ok());
  producer.Remove({a_.path, b_.path}, Removal::kReplace);
  Commit(&producer);
  EXPECT_EQ(Live(), "c1 d3 ");
  EXPECT_EQ(Summary("operation"), "replace");
  EXPECT_EQ(Summary("deleted-data-files"), "2");
  EXPECT_EQ(Summary("deleted-records"), "3");
  EXPECT_EQ(Summary("total-records"), "7");
  EXPECT_EQ(Summary("changed-partition-count"), "1");
  int deleted = 0;
  for (const ManifestFile& description : Manifests()) {
    auto manifest = ReadManifest(storage_, description);
    for (const ManifestEntry& entry : manifest->entries) {
      if (entry.status != FileStatus::kDeleted) continue;
      ++deleted;
      EXPECT_EQ(entry.snapshot_id, table_.current_snapshot_id);
    }
  }
  EXPECT_EQ(deleted, 2);
  Append({});
  for (const ManifestFile& description : Manifests()) EXPECT_TRUE(description.has_live_files()) << "deletions are said once";
}

TEST_F(SnapshotProducerTest, ReplaceThatLostItsRaceRewritesOnlyWhatIsNew) {
  Append({a_, c_});
  SnapshotProducer producer(&storage_);
  ASSERT_TRUE(producer.Add(table_, {d_}).ok());
  producer.Remove({a_.path}, Removal::kReplace);
  ASSERT_TRUE(producer.Build(table_, {}, 2000).ok());
  Append({b_});
  const size_t files = storage_.files.size();
  Commit(&producer);
  EXPECT_EQ(storage_.files.size(), files + 1);
  EXPECT_EQ(Live(), "b2 c1 d3 ");
}

TEST_F(SnapshotProducerTest, FilesThatAreGoneCannotBeReplaced) {
  Append({a_, b_});
  SnapshotProducer first(&storage_);
  ASSERT_TRUE(first.Add(table_, {d_}).ok());
  first.Remove({a_.path, b_.path}, Removal::kReplace);
  SnapshotProducer second(&storage_);
  second.Remove({a_.path}, Removal::kDelete);
  Commit(&second);
  EXPECT_EQ(Summary("operation"), "delete");
  auto late = first.Build(table_, {}, 9000);
  EXPECT_TRUE(absl::IsFailedPrecondition(late.status())) << late.status();
}

TEST_F(SnapshotProducerTest, RowLevelDeletesOfOthersForbidCompactionAndSurviveAppends) {
  Append({a_, b_});
  ManifestFile deletes;
  deletes.path = "mem://deletes.avro";
  deletes.content = FileContent::kPositionDeletes;
  deletes.sequence_number = deletes.min_sequence_number = 1;
  deletes.added_files = 1;
  deletes.existing_files = deletes.deleted_files = 0;
  deletes.added_rows = deletes.existing_rows = deletes.deleted_rows = 0;
  std::vector<ManifestFile> list = Manifests();
  list.push_back(deletes);
  storage_.files[table_.current_snapshot()->manifest_list] = EncodeManifestList(list, 1, std::nullopt, 1);
  SnapshotProducer producer(&storage_);
  ASSERT_TRUE(producer.Add(table_, {d_}).ok());
  producer.Remove({a_.path, b_.path}, Removal::kReplace);
  EXPECT_TRUE(absl::IsFailedPrecondition(producer.Build(table_, {}, 9000).status()));
  Append({c_});
  EXPECT_EQ(Manifests().back(), deletes);
}

TEST_F(SnapshotProducerTest, MergesSmallManifests) {
  Append({a_});
  Append({b_});
  Append({c_});
  SnapshotProducer producer(&storage_);
  producer.MergeManifests(3, 1 << 20);
  Commit(&producer);
  EXPECT_EQ(Manifests().size(), 1U);
  EXPECT_EQ(Manifests()[0].existing_files, 3);
  EXPECT_EQ(Manifests()[0].min_sequence_number, 1);
  EXPECT_EQ(Live(), "a1 b2 c3 ");
  EXPECT_EQ(Summary("operation"), "replace");
  EXPECT_EQ(Summary("manifests-replaced"), "3");
  EXPECT_EQ(Summary("total-records"), "7");
}

TEST_F(SnapshotProducerTest, MergeLeavesFewAndLargeManifestsAlone) {
  Append({a_});
  Append({b_});
  for (const auto& [count, bytes] : std::vector<std::pair<size_t, int64_t>>{{3, 1 << 20}, {2, 10}}) {
    SnapshotProducer producer(&storage_);
    ASSERT_TRUE(producer.Add(table_, {c_}).ok());
    producer.MergeManifests(count, bytes);
    EXPECT_EQ(DecodeManifestList(storage_.files[producer.Build(table_, {}, 9000)->manifest_list], "l")->size(), 3U);
  }
}

TEST_F(SnapshotProducerTest, PromotedPartitionColumnsAreWrittenByTheirNewType) {
  Schema schema;
  schema.fields = {{1, "n", false, Primitive(Type::Kind::kInt), ""}};
  table_ = TableMetadata::New("mem://shop/orders", schema, {0, {{1, 0, "", Transform::kIdentity}}}, 1000, {});
  DataFile file = a_;
  file.partition = {int32_t{5}};
  Append({file});
  TableUpdate update;
  update.schema = table_.schema();
  update.schema->fields[0].type = Primitive(Type::Kind::kLong);
  table_ = *Apply(table_, "f", update, 2000, 0);
  EXPECT_EQ((*ReadLiveFiles(storage_, table_, *table_.current_snapshot()))[0].file.partition, PartitionTuple{int64_t{5}});
  file.path = b_.path;
  file.partition = {int64_t{6}};
  Append({file});
  SnapshotProducer producer(&storage_);
  producer.MergeManifests(2, 1 << 20);
  Commit(&producer);
  EXPECT_EQ(Manifests()[0].partitions[0].lower_bound, std::string("\x05\0\0\0\0\0\0\0", 8));
}

}  // namespace
}  // namespace millrace::warehouse
