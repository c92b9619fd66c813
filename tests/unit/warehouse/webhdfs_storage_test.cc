#include "storage/webhdfs_storage.h"

#include <gtest/gtest.h>

#include <atomic>

#include "stub_http_server.h"

namespace millrace::warehouse {
namespace {

using warehouse_test::StubHttpServer;
using Answer = StubHttpServer::Answer;

Answer Exception(int code, const std::string& name, const std::string& message) {
  return {code, R"({"RemoteException":{"exception":")" + name + R"(","message":")" + message + R"("}})", ""};
}

WebHdfsOptions Options(const StubHttpServer& server) {
  WebHdfsOptions options;
  options.endpoint = server.address();
  options.user = "a b";
  return options;
}

TEST(WebHdfsStorageTest, AsksAsItsUserAtItsEndpoint) {
  StubHttpServer server([](const std::string&) { return Answer{200, "x", ""}; });
  EXPECT_EQ(WebHdfsStorage(Options(server)).Read("hdfs://name-node:8020/a b/c%"), absl::StatusOr<std::string>("x"));
  EXPECT_TRUE(server.requests().at(0).starts_with("GET /webhdfs/v1/a%20b/c%25?op=OPEN&user.name=a%20b HTTP/1.1"));
}

TEST(WebHdfsStorageTest, WaitsForANameNodeThatIsNotReady) {
  std::atomic<int> calls{0};
  StubHttpServer server([&](const std::string&) {
    return ++calls < 3 ? Exception(403, calls == 1 ? "StandbyException" : "SafeModeException", "wait") : Answer{200, "x", ""};
  });
  EXPECT_EQ(WebHdfsStorage(Options(server)).Read("hdfs://h:1/x"), absl::StatusOr<std::string>("x"));
  EXPECT_EQ(calls, 3);
}

TEST(WebHdfsStorageTest, SaysWhatTheNameNodeSays) {
  const std::vector<std::pair<Answer, absl::StatusCode>> cases = {
      {Exception(404, "FileNotFoundException", "none"), absl::StatusCode::kNotFound},
      {Exception(403, "AccessControlException", "no"), absl::StatusCode::kPermissionDenied},
      {Exception(403, "DSQuotaExceededException", "full"), absl::StatusCode::kResourceExhausted},
      {Exception(403, "IOException", "File x could only be written to 0 of the 1 minReplication nodes"),
       absl::StatusCode::kResourceExhausted},
      {Exception(400, "InvalidPathException", "bad"), absl::StatusCode::kInvalidArgument},
      {Exception(403, "IOException", "first\\nsecond"), absl::StatusCode::kFailedPrecondition}};
  for (const auto& [answer, code] : cases) {
    StubHttpServer server([&answer = answer](const std::string&) { return answer; });
    const absl::Status status = WebHdfsStorage(Options(server)).Write("hdfs://h:1/folder/x", "x");
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_NE(status.message().find("hdfs://h:1/folder/"), std::string::npos) << status;
    EXPECT_EQ(status.message().find("second"), std::string::npos) << status;
  }
}

TEST(WebHdfsStorageTest, RefusesAListThatIsNone) {
  StubHttpServer server([](const std::string&) { return Answer{200, "{}", ""}; });
  EXPECT_FALSE(WebHdfsStorage(Options(server)).List("hdfs://h:1/x", [](const Storage::FileInfo&) {}).ok());
}

}  // namespace
}  // namespace millrace::warehouse
