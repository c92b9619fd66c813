#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "http/observability_server.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class ObservabilityServerTest : public ::testing::Test {
 protected:
  ObservabilityServerTest() {
    snapshot_.application_id = "shop";
    snapshot_.state = "RUNNING";
    auto server = ObservabilityServer::Start({.host = "127.0.0.1", .port = 0}, ObservedPages::Of([this] {
                                               ++calls_;
                                               return snapshot_;
                                             }));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  RuntimeSnapshot snapshot_;
  std::atomic<int> calls_{0};
  std::unique_ptr<ObservabilityServer> server_;
};

TEST_F(ObservabilityServerTest, ServesMetricsAsPrometheusText) {
  httplib::Client client("127.0.0.1", server_->port());
  const auto response = client.Get("/metrics");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_THAT(response->get_header_value("Content-Type"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(response->body, HasSubstr("app_state{application=\"shop\",state=\"RUNNING\"} 1"));
  EXPECT_THAT(response->body, HasSubstr("process_rss_bytes{"));
  EXPECT_EQ(calls_, 1);
}

TEST_F(ObservabilityServerTest, HealthIsTheStatusCodeAndTheBodySaysWhy) {
  httplib::Client client("127.0.0.1", server_->port());
  EXPECT_EQ(client.Get("/livez")->status, 200);
  EXPECT_EQ(client.Get("/readyz")->status, 200);
  snapshot_.state = "ERROR";
  snapshot_.error = "disk full";
  EXPECT_EQ(client.Get("/livez")->status, 503);
  const auto ready = client.Get("/readyz");
  EXPECT_EQ(ready->status, 503);
  EXPECT_THAT(ready->body, HasSubstr("disk full"));
}

TEST_F(ObservabilityServerTest, OtherPathsAndMethodsAreRefused) {
  httplib::Client client("127.0.0.1", server_->port());
  EXPECT_EQ(client.Get("/state")->status, 404);
  EXPECT_EQ(client.Get("/../etc/passwd")->status, 404);
  EXPECT_EQ(client.Post("/metrics", "x", "text/plain")->status, 404);
  EXPECT_EQ(client.Delete("/metrics")->status, 404);
}

TEST_F(ObservabilityServerTest, ServesManyClientsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      httplib::Client client("127.0.0.1", server_->port());
      for (int i = 0; i < 5; ++i) {
        const auto response = client.Get("/readyz");
        if (response && response->status == 200) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 40);
}

TEST_F(ObservabilityServerTest, APortInUseIsAClearError) {
  const auto second = ObservabilityServer::Start({.host = "127.0.0.1", .port = server_->port()},
                                                 ObservedPages::Of([] { return RuntimeSnapshot(); }));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("127.0.0.1:" + std::to_string(server_->port())));
}

TEST_F(ObservabilityServerTest, AStoppedServerFreesItsPort) {
  const int port = server_->port();
  server_.reset();
  EXPECT_TRUE(
      ObservabilityServer::Start({.host = "127.0.0.1", .port = port}, ObservedPages::Of([] { return RuntimeSnapshot(); })).ok());
}

TEST(ObservabilityServer, AForeignAddressIsAClearError) {
  EXPECT_EQ(ObservabilityServer::Start({.host = "203.0.113.7", .port = 0}, ObservedPages::Of([] { return RuntimeSnapshot(); }))
                .status()
                .code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace millrace
