#include "catalog/table_files.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "../../warehouse/storage/child_process.h"
#include "storage/local_storage.h"

namespace millrace::warehouse {
namespace {

TEST(TableFilesTest, KnowsTheNumbersOfMetadataFiles) {
  EXPECT_EQ(MetadataVersion("s3://b/t/metadata/v12.metadata.json"), 12);
  EXPECT_EQ(MetadataVersion("s3://b/t/metadata/00012-ab-cd.metadata.json"), 12);
  for (const char* name : {"s3://b/v1.json", "v.metadata.json", "x/va.metadata.json", "x/v-1.metadata.json",
                           "x/ab-1.metadata.json", "x/snap-1.avro", "x/v1x.metadata.json"}) {
    EXPECT_EQ(MetadataVersion(name), std::nullopt) << name;
  }
}

TEST(TableFilesTest, AMissingMetadataFileIsNoMissingTable) {
  LocalStorage storage;
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadTable(storage, "file:///none/v1.metadata.json").status()));
}

class DeleteOldMetadataTest : public testing::Test {
 protected:
  std::string File(const std::string& name, std::chrono::hours age) {
    const std::string path = "file://" + folder_.path() + "/metadata/" + name;
    EXPECT_TRUE(storage_.Write(path, "{}").ok());
    std::filesystem::last_write_time(folder_.path() + "/metadata/" + name, std::filesystem::file_time_type::clock::now() - age);
    return path;
  }
  std::set<std::string> Left() {
    std::set<std::string> names;
    EXPECT_TRUE(storage_
                    .List("file://" + folder_.path(),
                          [&](const Storage::FileInfo& file) { names.insert(file.path.substr(file.path.rfind('/') + 1)); })
                    .ok());
    return names;
  }

  const warehouse_test::TemporaryFolder folder_;
  LocalStorage storage_;
};

TEST_F(DeleteOldMetadataTest, GoesByAgeAloneAndKeepsWhatTheLogNames) {
  LoadedTable table;
  File("v1.metadata.json", std::chrono::hours(100));
  table.metadata.metadata_log = {{0, File("v2.metadata.json", std::chrono::hours(90))}};
  File("v3.metadata.json", std::chrono::hours(30));
  File("v4.metadata.json", std::chrono::hours(2));
  table.metadata_file = File("v5.metadata.json", std::chrono::hours(1));
  File("snap-1.avro", std::chrono::hours(100));
  File("version-hint.text", std::chrono::hours(100));
  EXPECT_EQ(DeleteOldMetadata(storage_, table, std::chrono::hours(48)), absl::StatusOr<int>(1));
  EXPECT_EQ(Left(), (std::set<std::string>{"v2.metadata.json", "v3.metadata.json", "v4.metadata.json", "v5.metadata.json",
                                           "snap-1.avro", "version-hint.text"}));
  EXPECT_EQ(DeleteOldMetadata(storage_, table, std::chrono::hours(24)), absl::StatusOr<int>(1));
  EXPECT_TRUE(Left().contains("v4.metadata.json"));
}

TEST_F(DeleteOldMetadataTest, DeletesNothingWithoutTheCurrentFile) {
  LoadedTable table;
  File("v1.metadata.json", std::chrono::hours(100));
  table.metadata_file = "file://" + folder_.path() + "/metadata/v9.metadata.json";
  EXPECT_TRUE(absl::IsFailedPrecondition(DeleteOldMetadata(storage_, table, std::chrono::hours(24)).status()));
  EXPECT_EQ(Left().size(), 1U);
}

}  // namespace
}  // namespace millrace::warehouse
