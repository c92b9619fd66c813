#include "cutting_proxy.h"
#include "s3_server.h"
#include "storage_contract.h"

namespace millrace::warehouse_test {
namespace {

INSTANTIATE_TEST_SUITE_P(S3, StorageContract, testing::Values([] {
                           return StorageUnderTest{S3Server::Get().Open(), S3Server::Get().NewFolder()};
                         }));

TEST(S3StorageTest, AWriterWhoseAnswerWasLostLearnsThatItHasWon) {
  CuttingProxy proxy(S3Server::Get().port());
  warehouse::S3Storage storage(S3Server::Get().Options(proxy.port()));
  const std::string folder = S3Server::Get().NewFolder();
  proxy.CutAnswers("If-None-Match", 2);
  EXPECT_EQ(storage.WriteIfAbsent(folder + "/a", "same"), absl::StatusOr<bool>(true));
  EXPECT_EQ(proxy.cuts(), 2);
  proxy.CutRequests("If-None-Match", 1);
  EXPECT_EQ(storage.WriteIfAbsent(folder + "/b", "same"), absl::StatusOr<bool>(true));
  EXPECT_EQ(proxy.cuts(), 3);
}

TEST(S3StorageTest, AWriterWhoseAnswerWasLostLearnsThatItHasLost) {
  CuttingProxy proxy(S3Server::Get().port());
  warehouse::S3Storage storage(S3Server::Get().Options(proxy.port()));
  const std::string path = S3Server::Get().NewFolder() + "/a";
  ASSERT_EQ(S3Server::Get().Open()->WriteIfAbsent(path, "same"), absl::StatusOr<bool>(true));
  proxy.CutAnswers("If-None-Match", 1);
  EXPECT_EQ(storage.WriteIfAbsent(path, "same"), absl::StatusOr<bool>(false))
      << "another's object with the same content is not ours";
  EXPECT_EQ(proxy.cuts(), 1);
}

TEST(S3StorageTest, WithoutAnyAnswerTheOutcomeIsUnknown) {
  CuttingProxy proxy(S3Server::Get().port());
  warehouse::S3Options options = S3Server::Get().Options(proxy.port());
  options.retry_time = std::chrono::milliseconds(300);
  warehouse::S3Storage storage(options);
  proxy.CutAnswers("If-None-Match", 1000);
  const absl::Status status = storage.WriteIfAbsent(S3Server::Get().NewFolder() + "/a", "x").status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST(S3StorageTest, AWrongKeyIsRefusedAndNotPrinted) {
  const TemporaryFolder files;
  std::ofstream(files.path() + "/credentials")
      << "[other]\naws_access_key_id = " << S3Server::Get().access_key() << "\naws_secret_access_key = wrong-secret\n";
  warehouse::S3Options options = S3Server::Get().Options(S3Server::Get().port());
  options.credentials.credentials_file = files.path() + "/credentials";
  options.credentials.profile = "other";
  const absl::Status status = warehouse::S3Storage(options).Write(S3Server::Get().NewFolder() + "/a", "x");
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(status.message().find("wrong-secret"), std::string::npos) << status;
  EXPECT_EQ(status.message().find(S3Server::Get().access_key()), std::string::npos) << status;
}

TEST(S3StorageTest, AMissingBucketIsNamed) {
  const std::shared_ptr<warehouse::S3Storage> storage = S3Server::Get().Open();
  const absl::Status read = storage->Read("s3://missing/x").status();
  EXPECT_TRUE(absl::IsNotFound(read)) << read;
  const absl::Status list = storage->List("s3://missing/x", [](const warehouse::Storage::FileInfo&) {});
  EXPECT_TRUE(absl::IsNotFound(list)) << list;
  EXPECT_NE(list.message().find("create the bucket"), std::string::npos) << list;
}

TEST(S3StorageTest, ListsMoreThanOnePage) {
  const std::shared_ptr<warehouse::S3Storage> storage = S3Server::Get().Open();
  const std::string folder = S3Server::Get().NewFolder();
  std::set<std::string> written;
  for (int i = 0; i < 1050; ++i) {
    written.insert(folder + "/d " + std::to_string(i) + "/f");
    ASSERT_TRUE(storage->Write(folder + "/d " + std::to_string(i) + "/f", "").ok());
  }
  std::set<std::string> listed;
  ASSERT_TRUE(storage->List(folder, [&](const warehouse::Storage::FileInfo& file) { listed.insert(file.path); }).ok());
  EXPECT_EQ(listed, written);
  size_t folders = 0;
  ASSERT_TRUE(storage->ListFolders(folder, [&](const std::string&) { ++folders; }).ok());
  EXPECT_EQ(folders, 1050U);
}

TEST(S3StorageTest, AnUploadThatFailsLeavesNoParts) {
  const TemporaryFolder local;
  std::ofstream(local.path() + "/file") << std::string(11 << 20, 'x');
  CuttingProxy proxy(S3Server::Get().port());
  warehouse::S3Options options = S3Server::Get().Options(proxy.port());
  options.retry_time = std::chrono::milliseconds(200);
  proxy.CutRequests("partNumber=2", 1000);
  const absl::Status status = warehouse::S3Storage(options).Upload(local.path() + "/file", S3Server::Get().NewFolder() + "/x");
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  const std::string script =
      "import boto3,sys; c=boto3.client('s3',endpoint_url=sys.argv[1],region_name='us-east-1');"
      "print(len(c.list_multipart_uploads(Bucket='warehouse').get('Uploads',[])))";
  EXPECT_EQ(RunCommand("AWS_SHARED_CREDENTIALS_FILE=" + options.credentials.credentials_file + " " + Python() + " -c \"" +
                       script + "\" http://127.0.0.1:" + std::to_string(S3Server::Get().port())),
            "0");
}

TEST(S3StorageTest, AnUploadWhoseLastAnswerIsLostIsDone) {
  const TemporaryFolder local;
  std::ofstream(local.path() + "/file") << std::string(11 << 20, 'x');
  CuttingProxy proxy(S3Server::Get().port());
  warehouse::S3Storage storage(S3Server::Get().Options(proxy.port()));
  const std::string path = S3Server::Get().NewFolder() + "/x";
  proxy.CutAnswers("CompleteMultipartUpload", 1);
  const absl::Status status = storage.Upload(local.path() + "/file", path);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(proxy.cuts(), 1);
  EXPECT_EQ(storage.Read(path)->size(), size_t{11} << 20);
}

}  // namespace
}  // namespace millrace::warehouse_test
