#include "catalog/rest_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "../../warehouse/storage/child_process.h"
#include "stub_http_server.h"

namespace millrace::warehouse {
namespace {

using warehouse_test::StubHttpServer;
using Answer = StubHttpServer::Answer;

RestOptions Options(const StubHttpServer& server) {
  RestOptions options;
  options.address = server.address() + "/iceberg/";
  return options;
}

bool IsConfig(const std::string& request) { return request.starts_with("GET /iceberg/v1/config"); }

TEST(RestClientTest, GoesWhereTheServerSays) {
  StubHttpServer server([](const std::string& request) {
    return IsConfig(request) ? Answer{200, R"({"defaults":{"prefix":"a"},"overrides":{"prefix":"b/c"}})", ""}
                             : Answer{200, "{}", ""};
  });
  RestOptions options = Options(server);
  options.warehouse = "w/1";
  RestClient client(options);
  ASSERT_TRUE(client.Send("GET", "namespaces", {{"pageToken", "x y"}}, "").ok());
  ASSERT_TRUE(client.Send("POST", "namespaces", {}, "{}").ok());
  const std::vector<std::string> requests = server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_TRUE(requests[0].starts_with("GET /iceberg/v1/config?warehouse=w%2F1 ")) << requests[0];
  EXPECT_TRUE(requests[1].starts_with("GET /iceberg/v1/b/c/namespaces?pageToken=x%20y ")) << requests[1];
  EXPECT_TRUE(requests[2].starts_with("POST /iceberg/v1/b/c/namespaces ")) << requests[2];
}

TEST(RestClientTest, ReadsItsTokenAnew) {
  const warehouse_test::TemporaryFolder folder;
  StubHttpServer server([](const std::string&) { return Answer{200, "{}", ""}; });
  RestOptions options = Options(server);
  options.token_file = folder.path() + "/token";
  RestClient client(options);
  EXPECT_TRUE(absl::IsUnauthenticated(client.Send("GET", "x", {}, "").status()));
  for (const char* token : {"first", "second"}) {
    std::ofstream(options.token_file) << token << "\n";
    ASSERT_TRUE(client.Send("GET", "x", {}, "").ok());
    EXPECT_NE(server.requests().back().find(std::string("Authorization: Bearer ") + token + "\r\n"), std::string::npos);
  }
  std::ofstream(options.token_file) << "one\r\nX-Other: two";
  EXPECT_TRUE(absl::IsUnauthenticated(client.Send("GET", "x", {}, "").status()));
}

TEST(RestClientTest, SendsAgainOnlyWhatMayBeDoneTwice) {
  std::atomic<int> reads{0};
  std::atomic<int> writes{0};
  StubHttpServer server([&](const std::string& request) -> std::optional<Answer> {
    if (IsConfig(request)) return Answer{200, "{}", ""};
    if (request.starts_with("GET")) return ++reads < 3 ? Answer{503, "", ""} : Answer{200, "", ""};
    if (++writes == 1) return std::nullopt;
    return Answer{writes == 2 ? 500 : 429, "", ""};
  });
  RestOptions options = Options(server);
  options.retry_time = std::chrono::milliseconds(500);
  RestClient client(options);
  EXPECT_EQ(client.Send("GET", "x", {}, "")->code, 200);
  EXPECT_EQ(reads, 3);
  EXPECT_TRUE(absl::IsUnavailable(client.Send("POST", "x", {}, "{}").status()));
  EXPECT_EQ(writes, 1);
  EXPECT_EQ(client.Send("POST", "x", {}, "{}")->code, 500);
  EXPECT_EQ(writes, 2);
  EXPECT_EQ(client.Send("POST", "x", {}, "{}")->code, 429);
  EXPECT_GT(writes, 3) << "what was too much has not been done";
}

TEST(RestClientTest, SaysWhatTheServerSays) {
  const RestClient::Answer answer{404, R"({"error":{"message":"no table\nat java","type":"NoSuchTableException","code":404}})"};
  EXPECT_EQ(answer.Error("load a.b"), absl::NotFoundError("cannot load a.b: HTTP 404 NoSuchTableException: no table"));
  EXPECT_TRUE(absl::IsUnavailable((RestClient::Answer{502, "<html>"}).Error("x")));
  EXPECT_TRUE(absl::IsPermissionDenied((RestClient::Answer{403, ""}).Error("x")));
  EXPECT_TRUE(absl::IsUnauthenticated((RestClient::Answer{401, "[]"}).Error("x")));
  EXPECT_TRUE(absl::IsFailedPrecondition((RestClient::Answer{400, R"({"error":1})"}).Error("x")));
}

}  // namespace
}  // namespace millrace::warehouse
