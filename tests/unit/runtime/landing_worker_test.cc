#include "landing/landing_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "fake_warehouse.h"
#include "log/embedded/embedded_log.h"

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class LandingWorkerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic("orders", 2).ok());
    ASSERT_TRUE(log_.CreateTopic("idle", 1).ok());
    client_ = log_.NewClient();
    context_.host = &host_;
    context_.client = client_.get();
    context_.warehouse = &warehouse_;
    context_.commit_interval = 10ms;
    context_.idle_topic = "idle";
    context_.table_failed = [this](const absl::Status&) { ++failed_; };
    context_.table_goes_on = [this] { --failed_; };
  }
  void Start() {
    warehouse::LandingDescription table;
    table.topic = table.table = "orders";
    table.name_space = "default";
    worker_ = std::make_unique<LandingWorker>(0, &context_, std::vector{table});
    ASSERT_TRUE(worker_->Start().ok());
  }
  void Write(int32_t partition, int records) {
    for (int i = 0; i < records; ++i)
      ASSERT_TRUE(log_.Append("orders", partition, BytesView("k"), BytesView("x"), Timestamp::FromMillis(1000 + i)).ok());
  }
  LandingProgress progress() { return worker_->progress().front(); }
  template <class Condition>
  bool Eventually(Condition condition) {
    for (auto waited = 0ms; waited < 20s; waited += 5ms) {
      if (condition()) return true;
      host_.Sleep(5ms);
    }
    return false;
  }

  Host& host_ = Host::Real();
  log::embedded::EmbeddedLog log_;
  FakeWarehouse warehouse_;
  std::unique_ptr<log::LogClient> client_;
  LandingContext context_;
  std::atomic<int> failed_ = 0;
  std::unique_ptr<LandingWorker> worker_;
};

TEST_F(LandingWorkerTest, LandsThePartitionsThatItIsGiven) {
  Start();
  Write(0, 3);
  Write(1, 5);
  worker_->Take({{"orders", 1}});
  EXPECT_TRUE(Eventually([&] { return progress().counts.rows == 5; }));
  EXPECT_EQ(progress().positions, (std::map<int32_t, int64_t>{{1, 5}}));
  worker_->Release({{"orders", 1}}, /*commit=*/true, 10s);
  EXPECT_TRUE(Eventually([&] { return progress().positions.empty(); }));
}

TEST_F(LandingWorkerTest, CommitsWhatItGivesAway) {
  context_.commit_interval = 1h;
  Start();
  worker_->Take({{"orders", 0}});
  Write(0, 3);
  EXPECT_TRUE(Eventually([&] { return progress().pending_bytes == 3; }));
  worker_->Release({{"orders", 0}}, /*commit=*/true, 10s);
  EXPECT_EQ(warehouse_.Get("orders").rows.size(), 3u);
}

TEST_F(LandingWorkerTest, ATableThatFailsIsAnothersMatterWhenItsPartitionsAreGivenAway) {
  warehouse_.SetRefusal("orders", "the schema is refused");
  Start();
  Write(0, 1);
  worker_->Take({{"orders", 0}});
  EXPECT_TRUE(Eventually([&] { return progress().failed; }));
  EXPECT_THAT(progress().waits, HasSubstr("the schema is refused"));
  EXPECT_EQ(failed_, 1);
  worker_->Release({{"orders", 0}}, /*commit=*/true, 10s);
  EXPECT_TRUE(Eventually([&] { return !progress().failed; }));
  EXPECT_THAT(progress().waits, IsEmpty());
  EXPECT_EQ(failed_, 0);
  // And what is given to it again is tried at once.
  warehouse_.SetRefusal("orders", "");
  worker_->Take({{"orders", 0}});
  EXPECT_TRUE(Eventually([&] { return warehouse_.Get("orders").rows.size() == 1; }));
}

}  // namespace
}  // namespace millrace
