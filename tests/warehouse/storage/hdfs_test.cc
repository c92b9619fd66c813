#include "catalog/fs_catalog.h"
#include "catalog_contract.h"
#include "cutting_proxy.h"
#include "hdfs_server.h"
#include "storage_contract.h"

namespace millrace::warehouse_test {
namespace {

INSTANTIATE_TEST_SUITE_P(Hdfs, StorageContract, testing::Values([] {
                           return StorageUnderTest{HdfsServer::Get().Open(), HdfsServer::Get().NewFolder()};
                         }));

CatalogUnderTest FsOnHdfs() {
  auto storage = HdfsServer::Get().Open();
  return {std::make_shared<warehouse::FsCatalog>(storage, HdfsServer::Get().NewFolder()), storage};
}

INSTANTIATE_TEST_SUITE_P(Hdfs, CatalogContract, testing::Values(&FsOnHdfs));

/// Through a proxy, which only the name node's answers pass: data nodes are named by those.
warehouse::WebHdfsOptions Through(const CuttingProxy& proxy) {
  warehouse::WebHdfsOptions options = HdfsServer::Get().Options();
  options.endpoint = "http://127.0.0.1:" + std::to_string(proxy.port());
  return options;
}

TEST(WebHdfsStorageTest, AWriterWhoseAnswerWasLostLearnsThatItHasWon) {
  CuttingProxy proxy(HdfsServer::Get().port());
  warehouse::WebHdfsStorage storage(Through(proxy));
  const std::string folder = HdfsServer::Get().NewFolder();
  proxy.CutAnswers("op=RENAME", 2);
  EXPECT_EQ(storage.WriteIfAbsent(folder + "/a", "same"), absl::StatusOr<bool>(true));
  EXPECT_EQ(proxy.cuts(), 2);
  proxy.CutRequests("op=RENAME", 1);
  EXPECT_EQ(storage.WriteIfAbsent(folder + "/b", "same"), absl::StatusOr<bool>(true));
  EXPECT_EQ(proxy.cuts(), 3);
  proxy.CutAnswers("op=RENAME", 1);
  EXPECT_TRUE(storage.Write(folder + "/b", "over").ok());
  EXPECT_EQ(storage.Read(folder + "/b"), absl::StatusOr<std::string>("over"));
}

TEST(WebHdfsStorageTest, AWriterWhoseAnswerWasLostLearnsThatItHasLost) {
  CuttingProxy proxy(HdfsServer::Get().port());
  warehouse::WebHdfsStorage storage(Through(proxy));
  const std::string path = HdfsServer::Get().NewFolder() + "/a";
  ASSERT_EQ(HdfsServer::Get().Open()->WriteIfAbsent(path, "same"), absl::StatusOr<bool>(true));
  proxy.CutAnswers("op=RENAME", 1);
  EXPECT_EQ(storage.WriteIfAbsent(path, "same"), absl::StatusOr<bool>(false));
  EXPECT_EQ(proxy.cuts(), 1);
}

TEST(WebHdfsStorageTest, WithoutAnyAnswerTheOutcomeIsUnknown) {
  CuttingProxy proxy(HdfsServer::Get().port());
  warehouse::WebHdfsOptions options = Through(proxy);
  options.retry_time = std::chrono::milliseconds(300);
  warehouse::WebHdfsStorage storage(options);
  proxy.CutAnswers("op=RENAME", 1000);
  const absl::Status status = storage.WriteIfAbsent(HdfsServer::Get().NewFolder() + "/a", "x").status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST(WebHdfsStorageTest, NothingIsMovedIntoAFolderOfTheName) {
  const std::shared_ptr<warehouse::WebHdfsStorage> storage = HdfsServer::Get().Open();
  const std::string folder = HdfsServer::Get().NewFolder();
  ASSERT_TRUE(storage->Write(folder + "/name/inside", "x").ok());
  EXPECT_FALSE(storage->WriteIfAbsent(folder + "/name", "y").ok());
  EXPECT_FALSE(storage->Write(folder + "/name", "y").ok());
  size_t files = 0;
  ASSERT_TRUE(storage->List(folder, [&](const warehouse::Storage::FileInfo&) { ++files; }).ok());
  EXPECT_EQ(files, 1U);
}

TEST(WebHdfsStorageTest, AColonInANameIsRefusedClearly) {
  const absl::Status status = HdfsServer::Get().Open()->Write(HdfsServer::Get().NewFolder() + "/a:b", "x");
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("a:b"), std::string::npos) << status;
}

}  // namespace
}  // namespace millrace::warehouse_test
