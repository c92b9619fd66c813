#include "storage/local_storage.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "../../warehouse/storage/storage_contract.h"

namespace millrace::warehouse_test {
namespace {

using warehouse::LocalStorage;

/// The folder lives as long as the storage.
class OwningStorage final : public warehouse::Storage {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override { return storage_.Read(path); }
  absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t size) override {
    return storage_.ReadRange(path, offset, size);
  }
  absl::Status Write(const std::string& path, std::string_view content) override { return storage_.Write(path, content); }
  absl::StatusOr<bool> WriteIfAbsent(const std::string& path, std::string_view content) override {
    return storage_.WriteIfAbsent(path, content);
  }
  absl::Status Upload(const std::string& local_file, const std::string& path) override {
    return storage_.Upload(local_file, path);
  }
  absl::Status List(const std::string& folder, const std::function<void(const FileInfo&)>& file) override {
    return storage_.List(folder, file);
  }
  absl::Status Delete(const std::string& path) override { return storage_.Delete(path); }

  [[nodiscard]] std::string folder() const { return "file://" + folder_.path(); }

 private:
  TemporaryFolder folder_;
  LocalStorage storage_;
};

/// Without a ListFolders of its own, so that the one that every storage has is tested, too.
INSTANTIATE_TEST_SUITE_P(Local, StorageContract, testing::Values([] {
                           auto storage = std::make_shared<OwningStorage>();
                           return StorageUnderTest{storage, storage->folder()};
                         }));

TEST(LocalStorageTest, ListsFoldersRightBelow) {
  const TemporaryFolder folder;
  LocalStorage storage;
  ASSERT_TRUE(storage.Write("file://" + folder.path() + "/a/b/c", "x").ok());
  std::set<std::string> names;
  ASSERT_TRUE(storage.ListFolders("file://" + folder.path(), [&](const std::string& name) { names.insert(name); }).ok());
  EXPECT_EQ(names, std::set<std::string>{"a"});
}

TEST(LocalStorageTest, ReadsPathsAsSparkWritesThem) {
  const TemporaryFolder folder;
  LocalStorage storage;
  ASSERT_TRUE(storage.Write("file://" + folder.path() + "/a", "x").ok());
  EXPECT_EQ(storage.Read("file:" + folder.path() + "/a"), absl::StatusOr<std::string>("x"));
}

TEST(LocalStorageTest, WithoutSpaceNothingIsLeftAndTheOldFileStands) {
  const TemporaryFolder folder;
  const std::string path = "file://" + folder.path() + "/a";
  LocalStorage storage;
  ASSERT_TRUE(storage.Write(path, "old").ok());

  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status over = storage.Write(path, std::string(5000, 'x'));
  const absl::Status absent = storage.WriteIfAbsent(path + "2", std::string(5000, 'x')).status();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);

  EXPECT_TRUE(absl::IsResourceExhausted(over)) << over;
  EXPECT_TRUE(absl::IsResourceExhausted(absent)) << absent;
  EXPECT_EQ(storage.Read(path), absl::StatusOr<std::string>("old"));
  size_t files = 0;
  ASSERT_TRUE(storage.List("file://" + folder.path(), [&](const warehouse::Storage::FileInfo&) { ++files; }).ok());
  EXPECT_EQ(files, 1U);
}

TEST(LocalStorageTest, AFolderOfTheNameIsNoFile) {
  const TemporaryFolder folder;
  LocalStorage storage;
  ASSERT_TRUE(storage.Write("file://" + folder.path() + "/a/b", "x").ok());
  EXPECT_FALSE(storage.Write("file://" + folder.path() + "/a", "x").ok());
  EXPECT_FALSE(storage.Read("file://" + folder.path() + "/a").ok());
  EXPECT_EQ(storage.WriteIfAbsent("file://" + folder.path() + "/a", "x"), absl::StatusOr<bool>(false));
}

}  // namespace
}  // namespace millrace::warehouse_test
