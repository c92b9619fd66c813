#include "landing/landing_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "landing_test_support.h"

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class LandingWorkerTest : public LandingFixture {
 protected:
  void SetUp() override {
    LandingFixture::SetUp();
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
  LandingProgress progress() { return worker_->progress().front(); }

  std::unique_ptr<log::LogClient> client_;
  LandingContext context_;
  std::atomic<int> failed_ = 0;
  std::unique_ptr<LandingWorker> worker_;
};

TEST_F(LandingWorkerTest, LandsThePartitionsThatItIsGiven) {
  Start();
  Write("orders", 0, 3);
  Write("orders", 1, 5);
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
  Write("orders", 0, 3);
  EXPECT_TRUE(Eventually([&] { return progress().pending_bytes == 3; }));
  worker_->Release({{"orders", 0}}, /*commit=*/true, 10s);
  EXPECT_EQ(warehouse_.Get("orders").rows.size(), 3u);
}

TEST_F(LandingWorkerTest, ATableThatFailsIsAnothersMatterWhenItsPartitionsAreGivenAway) {
  warehouse_.SetRefusal("orders", "the schema is refused");
  Start();
  Write("orders", 0, 1);
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
