#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/host.h"
#include "log/abort_cause.h"
#include "log/embedded/embedded_log.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"

// Commits that are refused each time, and partitions for which no broker answers: what a worker does until it is over.

namespace millrace {
namespace {

using log::embedded::EmbeddedLog;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

/// What brokers say instead of doing what was asked; any thread.
struct Refusals {
  std::function<absl::Status()> commit = [] { return absl::OkStatus(); };
  std::function<absl::Status(const log::TopicPartition&)> assign = [](const auto&) { return absl::OkStatus(); };
};

class RefusedProducer final : public log::TransactionalProducer {
 public:
  RefusedProducer(std::unique_ptr<log::TransactionalProducer> inner, const Refusals* refusals)
      : inner_(std::move(inner)), refusals_(refusals) {}
  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override {
    return inner_->Send(topic, partition, key, value, timestamp, headers, delivered_offset_max);
  }
  absl::Status Poll() override { return inner_->Poll(); }
  absl::Status Flush(std::chrono::milliseconds timeout) override { return inner_->Flush(timeout); }
  [[nodiscard]] int64_t outstanding() const override { return inner_->outstanding(); }
  absl::Status Begin() override { return inner_->Begin(); }
  absl::Status SendOffsets(const log::Offsets& offsets, const log::GroupIdentity& identity) override {
    return inner_->SendOffsets(offsets, identity);
  }
  absl::Status Commit() override {
    if (absl::Status refused = refusals_->commit(); !refused.ok()) return refused;
    return inner_->Commit();
  }
  absl::Status Abort() override { return inner_->Abort(); }

 private:
  std::unique_ptr<log::TransactionalProducer> inner_;
  const Refusals* const refusals_;
};

class RefusedConsumer final : public log::Consumer {
 public:
  RefusedConsumer(std::unique_ptr<log::Consumer> inner, const Refusals* refusals)
      : inner_(std::move(inner)), refusals_(refusals) {}
  absl::StatusOr<log::PartitionReader*> Assign(const log::TopicPartition& partition, int64_t offset) override {
    if (absl::Status refused = refusals_->assign(partition); !refused.ok()) return refused;
    return inner_->Assign(partition, offset);
  }
  absl::Status Unassign(const log::TopicPartition& partition) override { return inner_->Unassign(partition); }
  void Wait(std::chrono::milliseconds timeout) override { inner_->Wait(timeout); }
  void Wake() override { inner_->Wake(); }

 private:
  std::unique_ptr<log::Consumer> inner_;
  const Refusals* const refusals_;
};

class RefusedClient final : public log::LogClient {
 public:
  RefusedClient(std::unique_ptr<log::LogClient> inner, const Refusals* refusals)
      : inner_(std::move(inner)), refusals_(refusals) {}
  absl::StatusOr<std::unique_ptr<log::Consumer>> NewConsumer(const log::ConsumerOptions& options) override {
    auto consumer = inner_->NewConsumer(options);
    if (!consumer.ok() || options.restore) return consumer;
    return std::make_unique<RefusedConsumer>(*std::move(consumer), refusals_);
  }
  absl::StatusOr<std::unique_ptr<log::Producer>> NewProducer() override { return inner_->NewProducer(); }
  absl::StatusOr<std::unique_ptr<log::TransactionalProducer>> NewTransactionalProducer(const std::string& id) override {
    auto producer = inner_->NewTransactionalProducer(id);
    if (!producer.ok()) return producer;
    return std::make_unique<RefusedProducer>(*std::move(producer), refusals_);
  }
  absl::StatusOr<std::unique_ptr<log::Membership>> NewMembership(const log::MembershipOptions& options,
                                                                 log::MembershipListener* listener) override {
    return inner_->NewMembership(options, listener);
  }
  log::Admin& admin() override { return inner_->admin(); }

 private:
  std::unique_ptr<log::LogClient> inner_;
  const Refusals* const refusals_;
};

class UndoneWorkTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* topic : {"in", "other", "out"}) ASSERT_TRUE(log_.CreateTopic(topic, 1).ok());
    Write("in", "a");
  }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  std::unique_ptr<KafkaStreams> Start() {
    StreamsBuilder builder;
    builder.Stream<std::string, std::string>("in").To("out");
    builder.Stream<std::string, std::string>("other").To("out");
    const StreamsConfig config = StreamsConfig::From({{"application.id", "copy"},
                                                      {"bootstrap.servers", "embedded:0"},
                                                      {"state.dir", root_},
                                                      {"processing.guarantee", "exactly_once_v2"},
                                                      {"commit.interval.ms", "20"},
                                                      {"progress.stall.timeout.ms", "300"}})
                                     .value();
    auto streams = std::make_unique<KafkaStreams>(builder.Build().value(), config,
                                                  std::make_shared<RefusedClient>(log_.NewClient(), &refusals_));
    const absl::Status started = streams->Start();
    EXPECT_TRUE(started.ok()) << started;
    return streams;
  }
  void Write(const std::string& topic, const std::string& value) {
    ASSERT_TRUE(log_.Append(topic, 0, "k", BytesView(value), Timestamp::FromMillis(1)).ok());
  }
  size_t Results() { return log_.Read("out", 0, 0, log::Isolation::kReadCommitted)->size(); }
  template <class Condition>
  bool Eventually(Condition condition) {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return true;
      host_.Sleep(5ms);
    }
    return false;
  }

  Host& host_ = Host::Real();
  EmbeddedLog log_;
  Refusals refusals_;
  const std::string root_ = testing::TempDir() + "/undone-" + std::to_string(host_.Random());
};

TEST_F(UndoneWorkTest, IsToldShownAndFailsLivenessUntilItIsCommitted) {
  std::atomic<bool> refuse = true;
  refusals_.commit = [&] { return refuse ? absl::AbortedError("the broker says no") : absl::OkStatus(); };
  auto streams = Start();
  ASSERT_TRUE(Eventually([&] { return !streams->Liveness().ok; }));
  EXPECT_THAT(streams->Liveness().body,
              AllOf(HasSubstr("in-0 at offset 0: no progress for"), HasSubstr("the last time for this: the broker says no")));
  // Seen between two attempts too, when its task is not there.
  const auto shown = streams->Snapshot().partitions;
  ASSERT_TRUE(shown.contains({"in", 0}));
  EXPECT_GT(shown.at({"in", 0}).stalled_seconds.value_or(0), 0.3);
  EXPECT_EQ(shown.at({"in", 0}).lag_records, 1);
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  refuse = false;
  EXPECT_TRUE(Eventually([&] { return Results() == 1 && streams->Liveness().ok; }));
  EXPECT_TRUE(Eventually([&] { return streams->Snapshot().partitions[{"in", 0}].stalled_seconds == 0; }));
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST_F(UndoneWorkTest, IsDoneAgainWithGrowingPauses) {
  std::atomic<int> refused = 0;
  refusals_.commit = [&] { return ++refused <= 6 ? absl::AbortedError("no") : absl::OkStatus(); };
  const auto begin = host_.Monotonic();
  auto streams = Start();
  ASSERT_TRUE(Eventually([&] { return Results() == 1; }));
  // At once, then after 100, 200, 400, 800 and 1600 ms.
  EXPECT_GE(host_.Monotonic() - begin, 3100ms);
  EXPECT_EQ(streams->Snapshot().transactions_aborted, 6);
  // A commit makes the first pause short again.
  refused = 5;
  Write("in", "b");
  ASSERT_TRUE(Eventually([&] { return Results() == 2; }));
  EXPECT_TRUE(streams->Close());
}

TEST_F(UndoneWorkTest, ARightThatIsMissingEndsTheInstance) {
  refusals_.commit = [] { return absl::PermissionDeniedError("may not write"); };
  auto streams = Start();
  ASSERT_TRUE(Eventually([&] { return streams->state() == KafkaStreams::State::kError; }));
  EXPECT_EQ(streams->error().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(streams->error().message()), HasSubstr("commit of worker-1: may not write"));
  EXPECT_EQ(Results(), 0u);
}

TEST_F(UndoneWorkTest, APartitionForWhichNoBrokerAnswersIsTriedAgainAndHoldsUpNoOther) {
  std::atomic<int> asked = 0;
  std::atomic<bool> away = true;
  refusals_.assign = [&](const log::TopicPartition& partition) {
    if (partition.topic != "in") return absl::OkStatus();
    ++asked;
    return away ? absl::UnavailableError("no broker") : absl::OkStatus();
  };
  auto streams = Start();
  Write("other", "b");
  ASSERT_TRUE(Eventually([&] { return Results() == 1 && asked >= 2; }));
  EXPECT_EQ(streams->state(), KafkaStreams::State::kRunning);
  away = false;
  ASSERT_TRUE(Eventually([&] { return Results() == 2; }));
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST_F(UndoneWorkTest, APartitionWithoutAnAnswerIsGivenBackAtTheEnd) {
  std::atomic<bool> asked = false;
  refusals_.assign = [&](const log::TopicPartition& partition) {
    if (partition.topic != "in") return absl::OkStatus();
    asked = true;
    return absl::DeadlineExceededError("no broker");
  };
  auto streams = Start();
  ASSERT_TRUE(Eventually([&] { return asked.load(); }));
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST(AbortCause, KnowsWhetherABrokerWasMissing) {
  EXPECT_TRUE(log::IsForWantOfABroker(log::AbortedBy(absl::DeadlineExceededError("late"))));
  EXPECT_TRUE(log::IsForWantOfABroker(absl::UnavailableError("away")));
  EXPECT_FALSE(log::IsForWantOfABroker(log::AbortedBy(absl::FailedPreconditionError("fenced"))));
  EXPECT_TRUE(absl::IsAborted(log::AbortedBy(absl::DeadlineExceededError("late"))));
}

}  // namespace
}  // namespace millrace
