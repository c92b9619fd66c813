#include "storage/storage_factory.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

using Configuration = std::map<std::string, std::string>;

TEST(StorageFactoryTest, TakesTheKeysThatItKnows) {
  Configuration configuration = {
      {"s3.endpoint", "http://127.0.0.1:1"},       {"s3.path-style-access", "true"}, {"s3.region", "eu-west-1"},
      {"s3.multipart.part-size-bytes", "8388608"}, {"s3.profile", "team"},           {"hdfs.user", "spark"},
      {"storage.retry-timeout-ms", "5"},           {"storage.stall-timeout-s", "7"}, {"other", "stays"}};
  const absl::StatusOr<StorageOptions> options = TakeStorageOptions(&configuration);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(configuration, (Configuration{{"other", "stays"}}));
  EXPECT_EQ(options->s3.endpoint, "http://127.0.0.1:1");
  EXPECT_TRUE(options->s3.path_style);
  EXPECT_EQ(options->s3.part_bytes, 8 << 20);
  EXPECT_EQ(options->s3.credentials.profile, "team");
  EXPECT_EQ(options->hdfs.user, "spark");
  EXPECT_EQ(options->s3.retry_time.count(), 5);
  EXPECT_EQ(options->hdfs.http.stall_timeout.count(), 7);
}

TEST(StorageFactoryTest, NamesTheKeyOfAValueThatIsNone) {
  for (const auto& [key, value] : Configuration{{"s3.path-style-access", "yes"},
                                                {"s3.multipart.part-size-bytes", "100"},
                                                {"storage.retry-timeout-ms", "long"},
                                                {"s3.endpoint", "127.0.0.1:1"},
                                                {"hdfs.endpoint", "http://user:secret@host"}}) {
    Configuration configuration = {{key, value}};
    const absl::Status status = TakeStorageOptions(&configuration).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << key;
    EXPECT_NE(status.message().find(key), std::string::npos) << status;
    EXPECT_EQ(status.message().find("secret"), std::string::npos) << status;
  }
}

TEST(StorageFactoryTest, OpensByTheScheme) {
  for (const char* uri : {"file:///data", "s3://b/x", "s3a://b/x", "hdfs://h:1/x", "webhdfs://h:1/x"}) {
    EXPECT_TRUE(OpenStorage(uri, {}).ok()) << uri;
  }
  const absl::Status status = OpenStorage("gs://b/x", {}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_NE(status.message().find("use file, s3 or hdfs"), std::string::npos) << status;
}

}  // namespace
}  // namespace millrace::warehouse
