#include "catalog/fs_catalog.h"

#include <gtest/gtest.h>

#include <fstream>

#include "../../warehouse/storage/catalog_contract.h"
#include "../../warehouse/storage/child_process.h"
#include "catalog/table_files.h"
#include "storage/local_storage.h"

namespace millrace::warehouse_test {
namespace {

using warehouse::FsCatalog;
using warehouse::LocalStorage;

/// The folder lives as long as the storage.
struct OwnedFolder {
  TemporaryFolder folder;
  LocalStorage storage;
};

CatalogUnderTest OnLocalDisk() {
  auto owned = std::make_shared<OwnedFolder>();
  const std::shared_ptr<warehouse::Storage> storage(owned, &owned->storage);
  return {std::make_shared<FsCatalog>(storage, "file://" + owned->folder.path()), storage};
}

INSTANTIATE_TEST_SUITE_P(LocalDisk, CatalogContract, testing::Values(&OnLocalDisk));

class FsCatalogTest : public testing::Test {
 protected:
  FsCatalogTest() : storage_(std::make_shared<LocalStorage>()), catalog_(storage_, "file://" + folder_.path()) {
    absl::StatusOr<LoadedTable> made = catalog_.Create(name_, PaymentsSchema(), {}, {});
    EXPECT_TRUE(made.ok()) << made.status();
    first_ = *std::move(made);
  }

  LoadedTable Commit(const LoadedTable& base) {
    absl::StatusOr<std::optional<LoadedTable>> done = catalog_.Commit(name_, base, EmptySnapshot(storage_.get(), base, "x"));
    EXPECT_TRUE(done.ok() && done->has_value()) << done.status();
    return done.ok() && *done ? **std::move(done) : base;
  }
  std::string Metadata(const std::string& file) const { return "file://" + folder_.path() + "/shop/payments/metadata/" + file; }
  std::string Hint() { return storage_->Read(Metadata("version-hint.text")).value_or("none"); }

  const TemporaryFolder folder_;
  const std::shared_ptr<LocalStorage> storage_;
  FsCatalog catalog_;
  const TableName name_{"shop", "payments"};
  LoadedTable first_;
};

TEST_F(FsCatalogTest, NumbersItsFilesAndKeepsTheHint) {
  EXPECT_EQ(first_.metadata_file, Metadata("v1.metadata.json"));
  EXPECT_EQ(Hint(), "1");
  EXPECT_EQ(Commit(first_).metadata_file, Metadata("v2.metadata.json"));
  EXPECT_EQ(Hint(), "2");
}

TEST_F(FsCatalogTest, FindsTheNewestWithoutTheHintAndWithAnOldOne) {
  const LoadedTable third = Commit(Commit(first_));
  for (const char* hint : {"1", "3\n", "nonsense", "77", "-1", ""}) {
    ASSERT_TRUE(storage_->Write(Metadata("version-hint.text"), hint).ok());
    EXPECT_EQ(catalog_.Load(name_)->metadata_file, third.metadata_file) << hint;
  }
  ASSERT_TRUE(storage_->Delete(Metadata("version-hint.text")).ok());
  EXPECT_EQ(catalog_.Load(name_)->metadata_file, third.metadata_file);
}

TEST_F(FsCatalogTest, NeverLowersTheHint) {
  const LoadedTable second = Commit(first_);
  ASSERT_TRUE(storage_->Write(Metadata("version-hint.text"), "5").ok());
  EXPECT_EQ(Commit(second).metadata_file, Metadata("v3.metadata.json"));
  EXPECT_EQ(Hint(), "5");
}

TEST_F(FsCatalogTest, AWriterThatSleptWhileItsNumberBecameFreeHasLost) {
  LoadedTable newest = first_;
  for (int i = 0; i < 4; ++i) newest = Commit(newest);
  // The next number is gone by age, and the one behind it, too.
  ASSERT_TRUE(storage_->Delete(Metadata("v2.metadata.json")).ok());
  ASSERT_TRUE(storage_->Delete(Metadata("v3.metadata.json")).ok());
  absl::StatusOr<std::optional<LoadedTable>> late = catalog_.Commit(name_, first_, EmptySnapshot(storage_.get(), first_, "late"));
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_FALSE(late->has_value());
  EXPECT_TRUE(absl::IsNotFound(storage_->Read(Metadata("v2.metadata.json")).status())) << "its file must not stay";
  EXPECT_EQ(catalog_.Load(name_)->metadata_file, newest.metadata_file);
  EXPECT_EQ(Hint(), "5");
}

TEST_F(FsCatalogTest, AWriterWhoseNumberAloneBecameFreeHasLost) {
  const LoadedTable third = Commit(Commit(first_));
  ASSERT_TRUE(storage_->Delete(Metadata("v2.metadata.json")).ok());
  LoadedTable base = first_;
  base.metadata.last_updated_ms += 1000;  // so that the times of the two files differ, as after a long sleep
  absl::StatusOr<std::optional<LoadedTable>> late = catalog_.Commit(name_, base, EmptySnapshot(storage_.get(), base, "late"));
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_FALSE(late->has_value());
  EXPECT_EQ(catalog_.Load(name_)->metadata_file, third.metadata_file);
}

TEST_F(FsCatalogTest, ATableWhoseFirstFilesAreGoneIsNotMadeAnew) {
  Commit(first_);
  ASSERT_TRUE(storage_->Delete(Metadata("v1.metadata.json")).ok());
  ASSERT_TRUE(storage_->Delete(Metadata("version-hint.text")).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(catalog_.Create(name_, PaymentsSchema(), {}, {}).status()));
}

TEST_F(FsCatalogTest, DamagedMetadataIsNoMissingTable) {
  ASSERT_TRUE(storage_->Write(Metadata("v1.metadata.json"), "{").ok());
  const absl::Status status = catalog_.Load(name_).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("v1.metadata.json"), std::string::npos) << status;
}

/// Takes every writer for the first.
class CarelessStorage final : public warehouse::Storage {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override { return storage_.Read(path); }
  absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t size) override {
    return storage_.ReadRange(path, offset, size);
  }
  absl::Status Write(const std::string& path, std::string_view content) override { return storage_.Write(path, content); }
  absl::StatusOr<bool> WriteIfAbsent(const std::string& path, std::string_view content) override {
    if (absl::Status status = storage_.Write(path, content); !status.ok()) return status;
    return true;
  }
  absl::Status Upload(const std::string& local_file, const std::string& path) override {
    return storage_.Upload(local_file, path);
  }
  absl::Status List(const std::string& folder, const std::function<void(const FileInfo&)>& file) override {
    return storage_.List(folder, file);
  }
  absl::Status Delete(const std::string& path) override { return storage_.Delete(path); }

 private:
  LocalStorage storage_;
};

TEST_F(FsCatalogTest, AStorageThatIgnoresConditionsIsRefused) {
  FsCatalog catalog(std::make_shared<CarelessStorage>(), "file://" + folder_.path());
  const absl::Status status = catalog.Probe();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_TRUE(catalog_.Probe().ok());
  size_t files = 0;
  ASSERT_TRUE(storage_->List("file://" + folder_.path(), [&](const warehouse::Storage::FileInfo&) { ++files; }).ok());
  EXPECT_EQ(files, 2U) << "of the probes nothing may be left";
}

}  // namespace
}  // namespace millrace::warehouse_test
