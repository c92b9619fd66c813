#include "storage/local_file.h"

#include <gtest/gtest.h>

#include "../../warehouse/storage/child_process.h"

namespace millrace::warehouse {
namespace {

TEST(LocalFileTest, IsWrittenAndReadInPieces) {
  const warehouse_test::TemporaryFolder folder;
  ASSERT_TRUE(MakeFolders(folder.path() + "/a/b").ok());
  ASSERT_TRUE(MakeFolders(folder.path() + "/a/b").ok()) << "it may be there";
  const std::string path = folder.path() + "/a/b/c";
  {
    absl::StatusOr<LocalFile> file = LocalFile::Create(path);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE(file->Append("abc").ok());
    EXPECT_TRUE(file->Append("def").ok());
    EXPECT_TRUE(file->Sync().ok());
  }
  EXPECT_FALSE(LocalFile::Create(path).ok()) << "there is one";
  const absl::StatusOr<LocalFile> file = LocalFile::OpenToRead(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->Size(), absl::StatusOr<int64_t>(6));
  EXPECT_EQ(file->ReadAt(2, 3), absl::StatusOr<std::string>("cde"));
  EXPECT_EQ(file->ReadAt(4, 100), absl::StatusOr<std::string>("ef"));
  const absl::StatusOr<MappedFile> mapped = MappedFile::Open(path);
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  EXPECT_EQ(mapped->content(), "abcdef");
  EXPECT_TRUE(absl::IsNotFound(MappedFile::Open(path + "2").status()));
  EXPECT_TRUE(SyncPath(path).ok());
  EXPECT_TRUE(absl::IsNotFound(SyncPath(path + "2")));
}

}  // namespace
}  // namespace millrace::warehouse
