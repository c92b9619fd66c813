#include "table/manifest.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "snapshot_test_support.h"
#include "table/avro_codec.h"
#include "table/avro_file.h"

namespace millrace::warehouse {
namespace {

ManifestEntry Entry(FileStatus status, const DataFile& file) {
  ManifestEntry entry;
  entry.status = status;
  entry.file = file;
  if (status != FileStatus::kAdded) {
    entry.snapshot_id = 5;
    entry.sequence_number = 3;
    entry.file_sequence_number = 4;
  }
  return entry;
}

std::vector<ManifestEntry> Entries() {
  std::vector<ManifestEntry> entries = {Entry(FileStatus::kAdded, ShopFile("a", 20'000, "de", 8)),
                                        Entry(FileStatus::kExisting, ShopFile("b", -1, "at", 16)),
                                        Entry(FileStatus::kDeleted, ShopFile("c", 20'001, "", 32))};
  entries[1].file.partition = {int32_t{-1}, std::monostate()};
  entries[1].nan_value_counts = {{7, 1}};
  entries[1].key_metadata = "key";
  entries[1].sort_order_id = 1;
  entries[1].format = "ORC";
  return entries;
}

TEST(Manifest, SurvivesARoundTrip) {
  const TableMetadata table = ShopTable();
  auto content = EncodeManifest(table.schema(), table.spec(), Entries());
  ASSERT_TRUE(content.ok()) << content.status();
  auto manifest = DecodeManifest(*content, "m.avro");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->entries, Entries());
  EXPECT_EQ(manifest->content, FileContent::kData);
}

TEST(Manifest, HeaderSaysWhatReadersLookFor) {
  TableMetadata table = ShopTable();
  table.specs[0].id = 3;
  const std::string content = *EncodeManifest(table.schema(), table.specs[0], Entries());
  auto reader = AvroFileReader::Open(content, "m");
  EXPECT_EQ(reader->metadata("partition-spec-id"), "3");
  EXPECT_EQ(reader->metadata("format-version"), "2");
  EXPECT_EQ(reader->metadata("content"), "data");
  EXPECT_EQ(reader->metadata("schema-id"), "0");
  EXPECT_EQ(reader->metadata("partition-spec")[0], '[') << "the fields alone";
  EXPECT_EQ(DecodeManifest(content, "m")->spec_id, 3);
}

TEST(Manifest, RefusesEntriesThatReadersCouldNotUse) {
  const TableMetadata table = ShopTable();
  std::vector<ManifestEntry> entries = {Entry(FileStatus::kAdded, ShopFile("a", 1, "de", 1))};
  entries[0].file.partition = {int32_t{1}};
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeManifest(table.schema(), table.spec(), entries).status()));
  entries[0].file.partition = {std::string("x"), std::string("de")};
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeManifest(table.schema(), table.spec(), entries).status()));
  entries[0] = Entry(FileStatus::kExisting, ShopFile("a", 1, "de", 1));
  entries[0].sequence_number.reset();
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeManifest(table.schema(), table.spec(), entries).status()));
}

TEST(Manifest, DescriptionCountsAndBounds) {
  const TableMetadata table = ShopTable();
  const ManifestFile description = DescribeManifest("m.avro", 99, table.spec(), 6, Entries());
  EXPECT_EQ(description.added_files, 1);
  EXPECT_EQ(description.existing_files, 1);
  EXPECT_EQ(description.deleted_files, 1);
  EXPECT_EQ(description.added_rows, 8);
  EXPECT_EQ(description.existing_rows, 16);
  EXPECT_EQ(description.deleted_rows, 32);
  EXPECT_EQ(description.min_sequence_number, 3);
  EXPECT_EQ(description.sequence_number, ManifestFile::kUnassigned);
  ASSERT_EQ(description.partitions.size(), 2U);
  EXPECT_FALSE(description.partitions[0].contains_null);
  EXPECT_EQ(description.partitions[0].lower_bound, "\xff\xff\xff\xff") << "-1 is the least day";
  EXPECT_TRUE(description.partitions[1].contains_null);
  EXPECT_EQ(description.partitions[1].upper_bound, "de");
}

TEST(Manifest, AddedEntriesInheritAndOthersDoNot) {
  ManifestFile description;
  description.added_snapshot_id = 77;
  description.sequence_number = 9;
  description.spec_id = 2;
  Manifest manifest{0, FileContent::kData, Entries()};
  ASSERT_TRUE(InheritFrom(description, &manifest).ok());
  EXPECT_EQ(manifest.spec_id, 2);
  EXPECT_EQ(manifest.entries[0].snapshot_id, 77);
  EXPECT_EQ(manifest.entries[0].sequence_number, 9);
  EXPECT_EQ(manifest.entries[0].file_sequence_number, 9);
  EXPECT_EQ(manifest.entries[1].sequence_number, 3);
  manifest.entries[2].sequence_number.reset();
  EXPECT_TRUE(absl::IsInvalidArgument(InheritFrom(description, &manifest)));
}

std::vector<ManifestFile> List() {
  const TableMetadata table = ShopTable();
  ManifestFile data = DescribeManifest("m.avro", 99, table.spec(), 6, Entries());
  data.sequence_number = 9;
  ManifestFile deletes;
  deletes.path = "d.avro";
  deletes.content = FileContent::kPositionDeletes;
  deletes.sequence_number = 2;
  deletes.min_sequence_number = 1;
  deletes.added_files = deletes.existing_files = deletes.deleted_files = 1;
  deletes.added_rows = deletes.existing_rows = deletes.deleted_rows = 7;
  deletes.key_metadata = "k";
  return {data, deletes};
}

TEST(ManifestList, SurvivesARoundTripWithDeletesOfOthers) {
  const std::string content = EncodeManifestList(List(), 6, 5, 9);
  auto list = DecodeManifestList(content, "l.avro");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(*list, List());
  auto reader = AvroFileReader::Open(content, "l.avro");
  EXPECT_EQ(reader->metadata("parent-snapshot-id"), "5");
  EXPECT_EQ(reader->metadata("sequence-number"), "9");
  EXPECT_TRUE(DecodeManifestList(EncodeManifestList({}, 6, std::nullopt, 1), "l")->empty());
}

// Whatever becomes of the bytes: a status or a value, and nothing for the sanitizers.
void DamageInEveryWay(const std::string& content) {
  for (size_t length = 0; length < content.size(); length += 11) {
    (void)DecodeManifest(content.substr(0, length), "f");
    (void)DecodeManifestList(content.substr(0, length), "f");
  }
  std::mt19937 random(5);
  for (size_t i = 0; i < content.size(); i += 5) {
    std::string flipped = content;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (random() % 8)));
    if (i % 3 == 0) flipped[random() % flipped.size()] = static_cast<char>(random());
    (void)DecodeManifest(flipped, "f");
    (void)DecodeManifestList(flipped, "f");
  }
}

// The same file without compression, so that damage reaches the values: one block, as small files have.
std::string Uncompressed(const std::string& content) {
  const std::string sync = content.substr(content.size() - 16);
  const size_t header_end = content.find(sync) + sync.size();
  const std::string codec =
      "\x0e"
      "deflate";
  std::string header = content.substr(0, header_end);
  header.replace(header.find(codec), codec.size(), "\x08null");
  // A count below 64 is one byte; the length of the block ends with the first byte without its highest bit.
  size_t block = header_end + 1;
  while (content[block] & 0x80) ++block;
  const std::string values = *Decompressed(std::string_view(content).substr(block + 1, content.size() - block - 17), "deflate");
  AvroEncoder encoder;
  encoder.Bytes(values);
  return absl::StrCat(header, content.substr(header_end, 1), encoder.bytes(), sync);
}

TEST(Manifest, DamageIsNeverACrash) {
  const TableMetadata table = ShopTable();
  const std::string manifest = *EncodeManifest(table.schema(), table.spec(), Entries());
  const std::string list = EncodeManifestList(List(), 6, 5, 9);
  ASSERT_EQ(DecodeManifest(Uncompressed(manifest), "f")->entries, Entries());
  ASSERT_EQ(*DecodeManifestList(Uncompressed(list), "f"), List());
  for (const std::string& content : {manifest, Uncompressed(manifest), list, Uncompressed(list)}) DamageInEveryWay(content);
}

}  // namespace
}  // namespace millrace::warehouse
