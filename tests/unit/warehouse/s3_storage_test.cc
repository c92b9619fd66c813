#include "storage/s3_storage.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "../../warehouse/storage/child_process.h"
#include "stub_http_server.h"

namespace millrace::warehouse {
namespace {

using warehouse_test::StubHttpServer;
using Answer = StubHttpServer::Answer;

class S3StorageTest : public testing::Test {
 protected:
  S3Options Options(const StubHttpServer& server) {
    std::ofstream(folder_.path() + "/id") << "AKID";
    std::ofstream(folder_.path() + "/secret") << "SECRET";
    S3Options options;
    options.endpoint = server.address();
    options.credentials.access_key_id_file = folder_.path() + "/id";
    options.credentials.secret_access_key_file = folder_.path() + "/secret";
    return options;
  }

  const warehouse_test::TemporaryFolder folder_;
};

std::string WriterOf(const std::string& request) {
  const std::string mark = "x-amz-meta-millrace-writer: ";
  const size_t begin = request.find(mark) + mark.size();
  return request.substr(begin, request.find('\r', begin) - begin);
}

TEST_F(S3StorageTest, TriesAgainWhileTheStoreIsOverloaded) {
  std::atomic<int> calls{0};
  StubHttpServer server([&](const std::string&) {
    return ++calls < 3 ? Answer{503, "<Code>SlowDown</Code>", ""} : Answer{200, "x", ""};
  });
  EXPECT_EQ(S3Storage(Options(server)).Read("s3://b/k"), absl::StatusOr<std::string>("x"));
  EXPECT_EQ(calls, 3);
}

TEST_F(S3StorageTest, AConflictIsNoLoss) {
  std::atomic<int> calls{0};
  StubHttpServer server([&](const std::string&) { return ++calls == 1 ? Answer{409, "", ""} : Answer{200, "", ""}; });
  EXPECT_EQ(S3Storage(Options(server)).WriteIfAbsent("s3://b/k", "x"), absl::StatusOr<bool>(true));
}

TEST_F(S3StorageTest, ALossAfterAnErrorOfTheServerIsLookedInto) {
  std::string writer;
  StubHttpServer server([&](const std::string& request) -> std::optional<Answer> {
    if (request.starts_with("GET")) return Answer{200, "x", "x-amz-meta-millrace-writer: " + writer + "\r\n"};
    if (!writer.empty()) return Answer{412, "", ""};
    writer = WriterOf(request);
    return Answer{500, "<Code>InternalError</Code>", ""};
  });
  EXPECT_EQ(S3Storage(Options(server)).WriteIfAbsent("s3://b/k", "x"), absl::StatusOr<bool>(true));
}

TEST_F(S3StorageTest, WhereTheWritersNameIsDroppedTheContentTells) {
  for (const bool same : {true, false}) {
    std::atomic<int> puts{0};
    StubHttpServer server([&](const std::string& request) -> std::optional<Answer> {
      if (request.starts_with("GET")) return Answer{200, same ? "x" : "y", ""};
      if (++puts == 1) return std::nullopt;
      return Answer{412, "", ""};
    });
    EXPECT_EQ(S3Storage(Options(server)).WriteIfAbsent("s3://b/k", "x"), absl::StatusOr<bool>(same));
  }
}

TEST_F(S3StorageTest, GivesUpInTimeAndDoesNotKnow) {
  StubHttpServer server([](const std::string&) { return Answer{500, "", ""}; });
  S3Options options = Options(server);
  options.retry_time = std::chrono::milliseconds(120);
  const absl::Status status = S3Storage(options).WriteIfAbsent("s3://b/k", "x").status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(S3StorageTest, SaysWhatTheStoreSays) {
  const std::vector<std::pair<Answer, absl::StatusCode>> cases = {
      {{403, "<Code>AccessDenied</Code><Message>no &amp; never</Message>", ""}, absl::StatusCode::kPermissionDenied},
      {{404, "<Code>NoSuchKey</Code>", ""}, absl::StatusCode::kNotFound},
      {{301, "<Code>PermanentRedirect</Code>", "x-amz-bucket-region: eu-west-9\r\n"}, absl::StatusCode::kInvalidArgument},
      {{400, "<Code>ExpiredToken</Code>", ""}, absl::StatusCode::kUnauthenticated},
      {{501, "<Code>NotImplemented</Code>", ""}, absl::StatusCode::kUnimplemented},
      {{507, "<Code>XMinioStorageFull</Code>", ""}, absl::StatusCode::kResourceExhausted},
      {{400, "<Code>InvalidRequest</Code>", ""}, absl::StatusCode::kInternal}};
  for (const auto& [answer, code] : cases) {
    StubHttpServer server([&answer = answer](const std::string&) { return answer; });
    const absl::Status status = S3Storage(Options(server)).Write("s3://b/k", "x");
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_NE(status.message().find("s3://b/k"), std::string::npos) << status;
    EXPECT_EQ(status.message().find("SECRET"), std::string::npos) << status;
  }
}

TEST_F(S3StorageTest, AnErrorInTheBodyOfAnUploadIsAnError) {
  std::ofstream(folder_.path() + "/file") << std::string(6 << 20, 'x');
  std::atomic<int> aborts{0};
  StubHttpServer server([&](const std::string& request) -> Answer {
    if (request.starts_with("DELETE")) ++aborts;
    if (request.find("uploads=") != std::string::npos) return {200, "<UploadId>u</UploadId>", ""};
    if (request.starts_with("PUT")) return {200, "", "ETag: \"t\"\r\n"};
    return {200, "<Error><Code>InvalidPart</Code></Error>", ""};
  });
  S3Options options = Options(server);
  options.part_bytes = 5 << 20;
  const absl::Status status = S3Storage(options).Upload(folder_.path() + "/file", "s3://b/k");
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("InvalidPart"), std::string::npos) << status;
  EXPECT_EQ(aborts, 1);
}

}  // namespace
}  // namespace millrace::warehouse
