#ifndef MILLRACE_TESTS_INTEGRATION_LOG_CONTRACT_H_
#define MILLRACE_TESTS_INTEGRATION_LOG_CONTRACT_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kafka_broker.h"
#include "log/embedded/embedded_log.h"
#include "log/kafka/kafka_log.h"
#include "log/log.h"

// What the tests of the log's contract have in common: the log, embedded or a real Kafka, and ways to wait for what it does.

namespace millrace::log {
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

inline constexpr milliseconds kPatience = seconds(30);

// The broker of the program; starts when the first test asks.
class BrokerEnvironment : public ::testing::Environment {
 public:
  void TearDown() override { broker_.reset(); }
  const std::string& servers() {
    if (!broker_) broker_ = std::make_unique<tests::KafkaBroker>();
    return broker_->bootstrap_servers();
  }

 private:
  std::unique_ptr<tests::KafkaBroker> broker_;
};

inline BrokerEnvironment* const g_broker = [] {
  auto* environment = new BrokerEnvironment;
  ::testing::AddGlobalTestEnvironment(environment);
  return environment;
}();

struct Copy {
  NullableBytes key;
  NullableBytes value;
  int64_t time = 0;
  Headers headers;
  int32_t partition = 0;
  int64_t offset = 0;
};

// A member that keeps what it was told.
class RecordingListener : public MembershipListener {
 public:
  void OnAssigned(const std::vector<int32_t>& tasks) override {
    ++generations;
    owned.insert(tasks.begin(), tasks.end());
    for (int32_t task : tasks) EXPECT_TRUE(everyone->insert(task).second) << "task " << task << " has two owners";
  }
  void OnRevoked(const std::vector<int32_t>& tasks) override {
    if (on_revoked) on_revoked(tasks);
    Drop(tasks);
  }
  void OnLost(const std::vector<int32_t>& tasks) override {
    lost += static_cast<int>(tasks.size());
    Drop(tasks);
  }

  std::set<int32_t> owned;
  std::set<int32_t>* everyone = nullptr;
  int generations = 0;
  int lost = 0;
  std::function<void(const std::vector<int32_t>&)> on_revoked;

 private:
  void Drop(const std::vector<int32_t>& tasks) {
    for (int32_t task : tasks) {
      EXPECT_EQ(owned.erase(task), 1) << task;
      everyone->erase(task);
    }
  }
};

struct Member {
  RecordingListener listener;
  std::unique_ptr<Membership> membership;
};

class LogContract : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    client_ = NewClient();
    static std::atomic<int> number = 0;
    prefix_ = absl::StrCat("c", number++, "-");
    consumer_ = Value(client_->NewConsumer({}));
    producer_ = Value(client_->NewProducer());
  }

  std::unique_ptr<LogClient> NewClient() {
    if (GetParam() == "embedded") return embedded_.NewClient();
    kafka::KafkaLogOptions options;
    options.common = {{"bootstrap.servers", g_broker->servers()}};
    options.producer = {{"queue.buffering.max.messages", "2000"}};
    options.membership = {{"session.timeout.ms", "6000"}, {"heartbeat.interval.ms", "500"}};
    return Value(kafka::MakeKafkaLogClient(std::move(options)));
  }

  template <typename T>
  static T Value(absl::StatusOr<T> value) {
    if (!value.ok()) throw std::runtime_error(value.status().ToString());
    return *std::move(value);
  }

  std::string MakeTopic(const std::string& name, int32_t partitions) {
    TopicSpec spec;
    spec.name = prefix_ + name;
    spec.partitions = partitions;
    const absl::Status status = client_->admin().CreateTopic(spec);
    EXPECT_TRUE(status.ok()) << status;
    return spec.name;
  }

  void Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
            int64_t time = 1000, const Headers& headers = {}, int64_t* delivered = nullptr) {
    const absl::Status status = producer_->Send(topic, partition, key, value, Timestamp::FromMillis(time), headers, delivered);
    ASSERT_TRUE(status.ok()) << status;
  }

  void FlushAll() {
    for (const auto start = steady_clock::now(); producer_->outstanding() > 0 && steady_clock::now() - start < kPatience;) {
      ASSERT_TRUE(producer_->Flush(milliseconds(100)).ok());
    }
    ASSERT_EQ(producer_->outstanding(), 0);
  }

  // Reads until `count` records are there.
  std::vector<Copy> ReadRecords(PartitionReader* reader, size_t count) {
    std::vector<Copy> records;
    for (const auto start = steady_clock::now(); records.size() < count && steady_clock::now() - start < kPatience;) {
      const absl::StatusOr<int> taken = reader->Drain(static_cast<int>(count - records.size()),
                                                      [&records](const RawRecord& record) { records.push_back(CopyOf(record)); });
      EXPECT_TRUE(taken.ok()) << taken.status();
      if (!taken.ok()) break;
      if (*taken == 0) consumer_->Wait(milliseconds(100));
    }
    EXPECT_EQ(records.size(), count);
    return records;
  }

  // Drains to nothing until the condition holds.
  void ReadUntil(PartitionReader* reader, const std::function<bool()>& condition) {
    for (const auto start = steady_clock::now(); !condition() && steady_clock::now() - start < kPatience;) {
      const absl::StatusOr<int> taken = reader->Drain(1000, [](const RawRecord&) {});
      ASSERT_TRUE(taken.ok()) << taken.status();
      if (!condition()) consumer_->Wait(milliseconds(100));
    }
    ASSERT_TRUE(condition());
  }

  static Copy CopyOf(const RawRecord& record) {
    Copy copy;
    if (record.key) copy.key.emplace(*record.key);
    if (record.value) copy.value.emplace(*record.value);
    copy.time = record.timestamp.millis();
    copy.headers = *record.headers;
    copy.partition = record.partition;
    copy.offset = record.offset;
    return copy;
  }

  std::unique_ptr<Member> Join(const std::string& group, const std::string& tasks, const std::string& instance = {}) {
    auto member = std::make_unique<Member>();
    member->listener.everyone = &everyone_;
    member->membership = Value(client_->NewMembership({group, tasks, instance}, &member->listener));
    return member;
  }

  void PollUntil(const std::vector<Member*>& members, const std::function<bool()>& condition) {
    for (const auto start = steady_clock::now(); !condition() && steady_clock::now() - start < kPatience;) {
      for (Member* member : members) {
        const absl::Status status = member->membership->Poll(milliseconds(20));
        ASSERT_TRUE(status.ok()) << status;
      }
    }
    ASSERT_TRUE(condition());
  }

  embedded::EmbeddedLog embedded_;
  std::unique_ptr<LogClient> client_;
  std::string prefix_;
  std::unique_ptr<Consumer> consumer_;
  std::unique_ptr<Producer> producer_;
  std::set<int32_t> everyone_;
};

}  // namespace millrace::log

#endif  // MILLRACE_TESTS_INTEGRATION_LOG_CONTRACT_H_
