#include "storage/http_client.h"

#include <gtest/gtest.h>

#include "stub_http_server.h"

namespace millrace::warehouse {
namespace {

using warehouse_test::StubHttpServer;
using Answer = StubHttpServer::Answer;

TEST(HttpClientTest, GivesTheAnswerWithItsHeaders) {
  StubHttpServer server([](const std::string&) { return Answer{404, "not here", "ETag: \"x\"\r\n"}; });
  HttpClient client({});
  HttpRequest request;
  request.method = "PUT";
  request.url = server.address() + "/a%20b?c=";
  request.headers = {{"Content-Type", "text/plain"}, {"X-Test", "1"}};
  request.body = "body";
  const absl::StatusOr<HttpResponse> response = client.Send(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->code, 404);
  EXPECT_EQ(response->body, "not here");
  EXPECT_EQ(response->Header("etag"), "\"x\"");
  EXPECT_EQ(response->Header("none"), "");
  ASSERT_EQ(server.requests().size(), 1U);
  const std::string sent = server.requests()[0];
  EXPECT_TRUE(sent.starts_with("PUT /a%20b?c= HTTP/1.1\r\n")) << sent;
  EXPECT_NE(sent.find("X-Test: 1\r\n"), std::string::npos) << sent;
  EXPECT_TRUE(sent.ends_with("\r\n\r\nbody")) << sent;
}

TEST(HttpClientTest, SignsAllHeadersAndTheBody) {
  StubHttpServer server([](const std::string&) { return Answer{}; });
  HttpClient client({});
  HttpRequest request;
  request.method = "PUT";
  request.url = server.address() + "/x";
  request.headers = {{"Content-Type", "text/plain"}, {"If-None-Match", "*"}};
  request.body = "abc";
  request.signing = AwsSigning{{"AKID", "SECRET", "TOKEN"}, "eu-west-1", "s3"};
  ASSERT_TRUE(client.Send(request).ok());
  const std::string sent = server.requests().at(0);
  EXPECT_NE(
      sent.find("/eu-west-1/s3/aws4_request, "
                "SignedHeaders=content-type;host;if-none-match;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature="),
      std::string::npos)
      << sent;
  EXPECT_NE(sent.find("x-amz-content-sha256: ba7816bf8f01cfea"), std::string::npos) << sent;
  EXPECT_EQ(sent.find("SECRET"), std::string::npos) << sent;
  EXPECT_EQ(sent.find("Expect:"), std::string::npos) << sent;
}

TEST(HttpClientTest, TellsWhatWasNotSentFromWhatHasNoAnswer) {
  std::string address;
  {
    StubHttpServer server([](const std::string&) { return std::nullopt; });
    address = server.address();
    HttpClient client({});
    HttpRequest request;
    request.url = address + "/x?token=secret";
    const absl::Status lost = client.Send(request).status();
    EXPECT_TRUE(absl::IsUnavailable(lost)) << lost;
    EXPECT_TRUE(IsTransient(lost));
    EXPECT_EQ(lost.message().find("secret"), std::string::npos) << lost;
  }
  HttpClient client({});
  HttpRequest request;
  request.url = address + "/x";
  const absl::Status refused = client.Send(request).status();
  EXPECT_TRUE(absl::IsAborted(refused)) << refused;
  EXPECT_TRUE(IsTransient(refused));
  request.url = "ftp://127.0.0.1/x";
  EXPECT_TRUE(absl::IsInvalidArgument(client.Send(request).status()));
}

TEST(HttpClientTest, KnowsWhichAnswersMayChange) {
  for (const int code : {408, 429, 500, 502, 503, 504}) EXPECT_TRUE(IsTransient(code)) << code;
  for (const int code : {200, 204, 301, 400, 403, 404, 409, 412, 501, 507}) EXPECT_FALSE(IsTransient(code)) << code;
}

}  // namespace
}  // namespace millrace::warehouse
