#include "streams/progress_watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "host/host.h"
#include "log/abort_cause.h"
#include "log/embedded/embedded_log.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const log::TopicPartition kOrders{"orders", 0};
const log::TopicPartition kUsers{"users", 0};

/// Keeps the lines about what stands still.
class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    LogOptions logging;
    logging.sink = [this](const LogEntry& entry, std::string_view line) {
      const std::lock_guard lock(mutex_);
      if (entry.fields.event == "partition-stalled" || entry.fields.event == "restore-stalled") lines_.emplace_back(line);
    };
    ConfigureLogging(logging);
  }
  void TearDown() override { ConfigureLogging({}); }
  std::vector<std::string> Lines() {
    const std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// One worker with one task over two topics; time moves by the test.
class ProgressWatchdogTest : public LogTest {
 protected:
  ProgressWatchdogTest() {
    plan_.tasks.push_back({0, {0, 0}, {kOrders, kUsers}});
    watchdog_ = std::make_unique<ProgressWatchdog>(&plan_, 60s, 20s);
    view_.workers.emplace_back();
    view_.workers[0].name = "worker-1";
    for (const auto& partition : {kOrders, kUsers}) {
      PartitionProgress& progress = view_.workers[0].inputs[partition];
      progress.position = progress.read_position = 10;
      progress.at_end = true;
      progress.moved_at = view_.now;
      End(partition, 10, 10);
    }
  }
  PartitionProgress& Of(const log::TopicPartition& partition) { return view_.workers[0].inputs.at(partition); }
  void End(const log::TopicPartition& partition, int64_t high_watermark, int64_t last_stable) {
    view_.ends[partition].Observe(high_watermark, last_stable, view_.now);
  }
  // Five records that have not been read.
  void Behind() {
    Of(kOrders).at_end = false;
    End(kOrders, 15, 15);
  }
  // The worker lives and the broker answers.
  ProgressWatchdog::Rereads LookAfter(std::chrono::seconds time, bool worker_moves = true, bool broker_answers = true) {
    ProgressWatchdog::Rereads all;
    for (auto t = 0s; t < time; t += 1s) {
      view_.now += 1s;
      if (worker_moves) ++view_.workers[0].activity.steps;
      if (broker_answers) {
        for (auto& [partition, end] : view_.ends) end.Observe(end.high_watermark, end.last_stable, view_.now);
      }
      for (const auto& reread : watchdog_->Look(view_)) all.push_back(reread);
    }
    return all;
  }

  TopologyPlan plan_;
  std::unique_ptr<ProgressWatchdog> watchdog_;
  ProgressWatchdog::View view_ = [] {
    ProgressWatchdog::View view;
    view.now = 1000s;
    return view;
  }();
};

TEST_F(ProgressWatchdogTest, RestAtTheEndIsNoStall) {
  EXPECT_THAT(LookAfter(600s), IsEmpty());
  EXPECT_THAT(Lines(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, AWorkerThatWaitsForSpaceOnItsDiskIsNotHopeless) {
  Behind();
  view_.workers[0].activity.doing = WorkerActivity::kDiskFull;
  EXPECT_THAT(LookAfter(600s), IsEmpty()) << "there is nothing to be read anew";
  EXPECT_THAT(Lines(), testing::Contains(HasSubstr("worker-1 waits for space on the disk")));
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, APartitionWhoseRecordsDoNotComeIsReadAnewAndThenHopeless) {
  Behind();
  EXPECT_THAT(LookAfter(59s), IsEmpty());
  EXPECT_THAT(LookAfter(2s), ElementsAre(Pair(0u, kOrders)));
  EXPECT_THAT(Lines(), ElementsAre(AllOf(HasSubstr("no progress for 60 s, 5 records before the end: the records do not come"),
                                         HasSubstr("task=0_0"), HasSubstr("topic=orders"), HasSubstr("offset=10"))));
  EXPECT_THAT(LookAfter(60s), ElementsAre(Pair(0u, kOrders)));
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty());
  EXPECT_THAT(LookAfter(60s), ElementsAre(Pair(0u, kOrders)));
  EXPECT_THAT(watchdog_->hopeless(), ElementsAre(HasSubstr("orders-0 at offset 10: no progress for 180 s")));
  // It moves: all is well again.
  Of(kOrders).position = Of(kOrders).read_position = 12;
  Of(kOrders).moved_at = view_.now;
  EXPECT_THAT(LookAfter(1s), IsEmpty());
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, TimeInWhichTheProcessStoodStillIsOneStrike) {
  Behind();
  LookAfter(1s);
  view_.now += 3600s;
  LookAfter(1s);
  EXPECT_EQ(Lines().size(), 1u);
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, AFunctionThatHangsIsNamedWithItsRecord) {
  Behind();
  Of(kOrders).buffered = 5;
  WorkerActivity::View& activity = view_.workers[0].activity;
  activity.doing = WorkerActivity::kProcessing;
  activity.task = 0;
  activity.source = 0;
  activity.offset = 10;
  EXPECT_THAT(LookAfter(62s, /*worker_moves=*/false), IsEmpty());
  EXPECT_THAT(Lines(),
              ElementsAre(HasSubstr("worker-1 hangs in processing a record (task 0_0, topic orders, partition 0, offset 10)")));
  LookAfter(180s, /*worker_moves=*/false);
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty()) << "max.poll.interval.ms is for that";
}

TEST_F(ProgressWatchdogTest, WorkThatIsUndoneEachTimeIsNoProgress) {
  Behind();
  PartitionProgress& orders = Of(kOrders);
  orders.committed = 10;
  orders.undone = 4;
  view_.workers[0].undone_because = "the broker says no";
  WorkerActivity::View& activity = view_.workers[0].activity;
  activity.task = 0;
  activity.source = 0;
  // It comes to the end and is processed, time after time.
  for (int i = 0; i < 61; ++i) {
    activity.offset = 10 + i % 5;
    orders.position = orders.read_position = 15;
    orders.at_end = true;
    LookAfter(1s);
  }
  EXPECT_THAT(Lines(), ElementsAre(AllOf(HasSubstr("no progress for 60 s, 5 records before the end: what worker-1 did since the "
                                                   "last commit was undone 4 times, the last time for this: the broker says no"),
                                         HasSubstr("topic=orders"))));
  EXPECT_THAT(LookAfter(120s), IsEmpty()) << "to read it anew does not help";
  EXPECT_THAT(watchdog_->hopeless(), ElementsAre(HasSubstr("the broker says no")));
  orders.committed = 15;
  orders.undone = 0;
  orders.moved_at = view_.now;
  LookAfter(1s);
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, WorkThatIsUndoneForWantOfABrokerIsToldButNoReasonToEnd) {
  Behind();
  Of(kOrders).committed = 10;
  Of(kOrders).undone = 1;
  view_.workers[0].undone_because = "no broker took it";
  view_.workers[0].undone_for_want_of_a_broker = true;
  LookAfter(600s);
  EXPECT_EQ(Lines().size(), 10u);
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, WorkThatWaitsToBeDoneAgainIsNoReasonToEnd) {
  Behind();
  Of(kOrders).committed = 10;
  Of(kOrders).undone = 1;
  view_.workers[0].undone_because = "fenced";
  view_.workers[0].undone_for_want_of_a_broker = false;
  view_.restores.push_back({{0, 0}, "counts", 1000, std::nullopt});
  for (int i = 0; i < 300; ++i) {
    --view_.restores[0].remaining;
    LookAfter(1s);
  }
  EXPECT_THAT(Lines(), IsEmpty());
  view_.restores.clear();
  view_.waiting.push_back({{0, 0}, "no broker"});
  LookAfter(300s);
  EXPECT_THAT(Lines(), testing::Each(HasSubstr("its task waits to be opened again (no broker)")));
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, SlowRecordsInsideOneBatchAreProgress) {
  Behind();
  Of(kOrders).buffered = 1000;
  WorkerActivity::View& activity = view_.workers[0].activity;
  activity.doing = WorkerActivity::kProcessing;
  activity.task = 0;
  activity.source = 0;
  for (int64_t offset = 10; offset < 15; ++offset) {
    activity.offset = offset;
    EXPECT_THAT(LookAfter(50s), IsEmpty());
  }
  EXPECT_THAT(Lines(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, CausesOutsideTheProcessAreNamedAndNeverHopeless) {
  Behind();
  LookAfter(61s, /*worker_moves=*/true, /*broker_answers=*/false);
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("the broker that leads it does not answer")));
  view_.workers[0].activity.doing = WorkerActivity::kDelivering;
  LookAfter(60s);
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("worker-1 waits for a broker to take what it has sent")));
  LookAfter(180s);
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, ATaskThatWaitsForAnotherPartitionNamesIt) {
  Behind();
  Of(kOrders).buffered = 5;
  LookAfter(61s);
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("its task waits for records of users-0, which may be earlier (max.task.idle.ms)")));
}

TEST_F(ProgressWatchdogTest, ATaskThatDoesNotGetItsTurnNamesWhatItsWorkerDoes) {
  Behind();
  Of(kOrders).buffered = Of(kUsers).buffered = 5;
  Of(kUsers).moved_at = view_.now + 100h;  // it has moved, only this one has not
  view_.workers[0].activity.doing = WorkerActivity::kPunctuating;
  view_.workers[0].activity.task = 0;
  LookAfter(61s);
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("worker-1 is busy: a punctuation (task 0_0)")));
}

TEST_F(ProgressWatchdogTest, AnOpenTransactionIsToldToReadersOfWhatIsCommitted) {
  view_.read_committed = true;
  End(kOrders, 15, 10);
  EXPECT_THAT(LookAfter(62s), IsEmpty());
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("a producer's transaction is open at offset 10, and 5 records wait for its end")));
  LookAfter(180s);
  EXPECT_THAT(watchdog_->hopeless(), IsEmpty());
}

TEST_F(ProgressWatchdogTest, ARestoreThatStandsStillIsTold) {
  view_.restores.push_back({{0, 0}, "counts", 100, {}});
  LookAfter(50s);
  view_.restores[0].remaining = 90;
  LookAfter(59s);
  EXPECT_THAT(Lines(), IsEmpty());
  LookAfter(3s);
  EXPECT_THAT(Lines(), ElementsAre(AllOf(HasSubstr("the restore has not moved for 60 s; 90 records of the changelog remain"),
                                         HasSubstr("task=0_0"), HasSubstr("store=counts"))));
}

/// A reader that gives nothing and never sees an end.
class StuckReader final : public log::PartitionReader {
 public:
  explicit StuckReader(int64_t position) : position_(position) {}
  absl::StatusOr<int> Drain(int, absl::FunctionRef<void(const RawRecord&)>) override { return 0; }
  [[nodiscard]] int64_t position() const override { return position_; }
  [[nodiscard]] bool at_end() const override { return false; }

 private:
  const int64_t position_;
};

/// The first readers of topic "in" are stuck.
class StuckConsumer final : public log::Consumer {
 public:
  StuckConsumer(std::unique_ptr<log::Consumer> inner, int stuck) : inner_(std::move(inner)), stuck_(stuck) {}
  absl::StatusOr<log::PartitionReader*> Assign(const log::TopicPartition& partition, int64_t offset) override {
    if (stuck_ == 0 || partition.topic != "in") return inner_->Assign(partition, offset);
    --stuck_;
    readers_.push_back(std::make_unique<StuckReader>(offset));
    return readers_.back().get();
  }
  absl::Status Unassign(const log::TopicPartition& partition) override {
    (void)inner_->Unassign(partition);
    return absl::OkStatus();
  }
  void Wait(std::chrono::milliseconds timeout) override { inner_->Wait(timeout); }
  void Wake() override { inner_->Wake(); }

 private:
  std::unique_ptr<log::Consumer> inner_;
  int stuck_;
  std::vector<std::unique_ptr<StuckReader>> readers_;
};

class StuckClient final : public log::LogClient {
 public:
  StuckClient(std::unique_ptr<log::LogClient> inner, int stuck) : inner_(std::move(inner)), stuck_(stuck) {}
  absl::StatusOr<std::unique_ptr<log::Consumer>> NewConsumer(const log::ConsumerOptions& options) override {
    auto consumer = inner_->NewConsumer(options);
    if (!consumer.ok() || options.restore) return consumer;
    return std::make_unique<StuckConsumer>(*std::move(consumer), stuck_);
  }
  absl::StatusOr<std::unique_ptr<log::Producer>> NewProducer() override { return inner_->NewProducer(); }
  absl::StatusOr<std::unique_ptr<log::TransactionalProducer>> NewTransactionalProducer(const std::string& id) override {
    return inner_->NewTransactionalProducer(id);
  }
  absl::StatusOr<std::unique_ptr<log::Membership>> NewMembership(const log::MembershipOptions& options,
                                                                 log::MembershipListener* listener) override {
    return inner_->NewMembership(options, listener);
  }
  log::Admin& admin() override { return inner_->admin(); }

 private:
  std::unique_ptr<log::LogClient> inner_;
  const int stuck_;
};

class StuckPartitionTest : public LogTest {
 protected:
  void SetUp() override {
    LogTest::SetUp();
    ASSERT_TRUE(log_.CreateTopic("in", 1).ok());
    ASSERT_TRUE(log_.CreateTopic("out", 1).ok());
  }
  void TearDown() override {
    LogTest::TearDown();
    EXPECT_TRUE(host_.files().RemoveAll(root_).ok());
  }
  std::unique_ptr<KafkaStreams> Start(int stuck) {
    StreamsBuilder builder;
    builder.Stream<std::string, std::string>("in").To("out");
    const StreamsConfig config = StreamsConfig::From({{"application.id", "copy"},
                                                      {"bootstrap.servers", "embedded:0"},
                                                      {"state.dir", root_},
                                                      {"progress.stall.timeout.ms", "300"}})
                                     .value();
    auto streams =
        std::make_unique<KafkaStreams>(builder.Build().value(), config, std::make_shared<StuckClient>(log_.NewClient(), stuck));
    EXPECT_TRUE(streams->Start().ok());
    EXPECT_TRUE(log_.Append("in", 0, "k", "v", Timestamp::FromMillis(1)).ok());
    return streams;
  }
  template <class Condition>
  bool Eventually(Condition condition) {
    for (int i = 0; i < 4000; ++i) {
      if (condition()) return true;
      host_.Sleep(5ms);
    }
    return false;
  }

  Host& host_ = Host::Real();
  log::embedded::EmbeddedLog log_;
  const std::string root_ = testing::TempDir() + "/stuck-" + std::to_string(host_.Random());
};

TEST_F(StuckPartitionTest, APartitionWhoseReaderIsStuckIsHealedByReadingItAnew) {
  auto streams = Start(1);
  EXPECT_TRUE(Eventually([&] { return !log_.Read("out", 0, 0)->empty(); }));
  EXPECT_THAT(Lines(), testing::Contains(HasSubstr("the records do not come")));
  EXPECT_TRUE(Eventually([&] { return streams->Liveness().ok; }));
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST_F(StuckPartitionTest, APartitionThatCannotBeHealedFailsLiveness) {
  auto streams = Start(1000000);
  EXPECT_TRUE(Eventually([&] { return !streams->Liveness().ok; }));
  EXPECT_THAT(streams->Liveness().body, HasSubstr("in-0 at offset 0: no progress for"));
  EXPECT_EQ(streams->state(), KafkaStreams::State::kRunning);
  EXPECT_TRUE(streams->Close());
}

}  // namespace
}  // namespace millrace
