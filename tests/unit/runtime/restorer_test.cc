#include "restore/restorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "host/host.h"
#include "log/embedded/embedded_log.h"

namespace millrace {
namespace {

using log::embedded::EmbeddedLog;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr char kTopic[] = "app-counts-changelog";

/// A store that remembers what it is given.
class FakeStore final : public StateStore {
 public:
  [[nodiscard]] const std::string& name() const override { return name_; }
  absl::Status Open(const StoreContext&) override { return absl::OkStatus(); }
  void ForwardDirty() override {}
  void LogDirty() override {}
  absl::Status Persist(std::optional<int64_t>) override { return absl::OkStatus(); }
  absl::StatusOr<std::optional<int64_t>> PersistedOffset() override { return offset; }
  absl::Status Restore(std::span<const ChangelogRecord> records, int64_t next_offset) override {
    if (damaged) return absl::DataLossError("checksum");
    if (full-- > 0) return absl::ResourceExhaustedError("no space");
    for (const ChangelogRecord& record : records) {
      if (record.value) {
        contents[std::string(record.key)] = std::string(*record.value);
      } else {
        contents.erase(std::string(record.key));
      }
    }
    offset = next_offset;
    return absl::OkStatus();
  }
  [[nodiscard]] int64_t dirty_bytes() const override { return 0; }
  [[nodiscard]] int64_t memory_bytes() const override { return 0; }
  void Trim() override {}
  [[nodiscard]] bool persistent() const override { return true; }

  std::map<std::string, std::string> contents;
  std::optional<int64_t> offset;
  bool damaged = false;
  int full = 0;  // how often there is no space

 private:
  std::string name_ = "counts";
};

struct Outcome {
  std::atomic<bool> finished = false;
  std::atomic<bool> failed = false;
  std::atomic<bool> destroyed = false;
  std::atomic<int> afresh = 0;
  int refusals = 0;  // how often Open fails first
  absl::Status refusal;
  absl::Status error;
  std::map<std::string, std::string> contents;
  std::optional<int64_t> offset;
};

class FakeJob : public RestoreJob {
 public:
  FakeJob(Outcome* outcome, std::optional<int64_t> offset, std::optional<int64_t> limit = std::nullopt, bool damaged = false,
          int full = 0)
      : outcome_(outcome), limit_(limit), store_(std::make_unique<FakeStore>()) {
    store_->offset = offset;
    store_->damaged = damaged;
    store_->full = full;
  }
  ~FakeJob() override { outcome_->destroyed = true; }
  [[nodiscard]] int32_t task_number() const override { return number; }
  [[nodiscard]] TaskId task() const override { return {0, 0}; }
  absl::StatusOr<std::vector<StoreToRestore>> Open() override {
    if (outcome_->refusals > 0) {
      --outcome_->refusals;
      return outcome_->refusal;
    }
    return std::vector<StoreToRestore>{{"counts", store_.get(), {kTopic, 0}, limit_}};
  }
  absl::StatusOr<std::vector<StoreToRestore>> StartAfresh(const std::string& store, const absl::Status&) override {
    EXPECT_EQ(store, "counts");
    ++outcome_->afresh;
    store_ = std::make_unique<FakeStore>();
    return Open();
  }
  void Finish(std::unique_ptr<RestoreJob>) override {
    outcome_->contents = store_->contents;
    outcome_->offset = store_->offset;
    outcome_->finished = true;
  }
  void Fail(const absl::Status& error) override {
    outcome_->error = error;
    outcome_->failed = true;
  }

  int32_t number = 7;

 private:
  Outcome* outcome_;
  std::optional<int64_t> limit_;
  std::unique_ptr<FakeStore> store_;
};

class RestorerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic(kTopic, 1).ok());
    client_ = log_.NewClient();
    ASSERT_TRUE(restorer_.Start(client_.get(), {log::Isolation::kReadUncommitted, 4, /*restore=*/true, ""}, /*openers=*/2).ok());
  }
  void Log(const std::string& key, NullableBytesView value) {
    ASSERT_TRUE(log_.Append(kTopic, 0, BytesView(key), value, Timestamp::FromMillis(1)).ok());
  }
  template <class Condition>
  bool Eventually(Condition condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      host_.Sleep(5ms);
    }
    return false;
  }

  Host& host_ = Host::Real();
  EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_;
  Restorer restorer_{&host_};
  Outcome outcome_;
};

TEST_F(RestorerTest, AJobThatFindsNoBrokerIsTriedAgain) {
  Log("a", "1");
  outcome_.refusals = 2;
  outcome_.refusal = absl::UnavailableError("no broker");
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, std::nullopt));
  ASSERT_TRUE(Eventually([&] { return outcome_.finished.load(); }));
  EXPECT_FALSE(outcome_.failed);
  EXPECT_EQ(outcome_.contents, (std::map<std::string, std::string>{{"a", "1"}}));
}

TEST_F(RestorerTest, AJobThatFindsNoSpaceOnItsDiskIsTriedAgain) {
  Log("a", "1");
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, std::nullopt, std::nullopt, /*damaged=*/false, /*full=*/1));
  ASSERT_TRUE(Eventually([&] { return outcome_.finished.load(); }));
  EXPECT_FALSE(outcome_.failed);
  EXPECT_EQ(outcome_.afresh, 0);
  EXPECT_EQ(outcome_.contents, (std::map<std::string, std::string>{{"a", "1"}}));
}

TEST_F(RestorerTest, AJobWhoseOpeningFailsOtherwiseFails) {
  outcome_.refusals = 1;
  outcome_.refusal = absl::FailedPreconditionError("not ours");
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, std::nullopt));
  ASSERT_TRUE(Eventually([&] { return outcome_.failed.load(); }));
  EXPECT_EQ(outcome_.error, outcome_.refusal);
}

TEST_F(RestorerTest, ReadsAnEmptyStoreFromTheBeginningToTheEnd) {
  Log("a", "1");
  Log("b", "1");
  Log("a", "2");
  Log("b", std::nullopt);
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, std::nullopt));
  ASSERT_TRUE(Eventually([&] { return outcome_.finished.load(); }));
  EXPECT_EQ(outcome_.contents, (std::map<std::string, std::string>{{"a", "2"}}));
  EXPECT_EQ(outcome_.offset, 4);
  EXPECT_EQ(restorer_.records_restored(), 4);
  EXPECT_TRUE(Eventually([&] { return restorer_.progress().empty(); }));
}

TEST_F(RestorerTest, ReadsOnlyTheTail) {
  Log("a", "1");
  Log("b", "1");
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, 1));
  ASSERT_TRUE(Eventually([&] { return outcome_.finished.load(); }));
  EXPECT_EQ(outcome_.contents, (std::map<std::string, std::string>{{"b", "1"}}));
}

TEST_F(RestorerTest, StopsAtTheLimitOfASourceTopic) {
  Log("a", "1");
  Log("b", "1");
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, std::nullopt, 1));
  ASSERT_TRUE(Eventually([&] { return outcome_.finished.load(); }));
  EXPECT_EQ(outcome_.contents, (std::map<std::string, std::string>{{"a", "1"}}));
  EXPECT_EQ(outcome_.offset, 1);
}

TEST_F(RestorerTest, StartsAfreshFromAnOffsetBeyondTheEnd) {
  Log("a", "1");
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, 9));
  ASSERT_TRUE(Eventually([&] { return outcome_.finished.load(); }));
  EXPECT_EQ(outcome_.afresh, 1);
  EXPECT_EQ(outcome_.offset, 1);
}

TEST_F(RestorerTest, StartsAfreshFromAnOffsetBeforeTheBeginning) {
  for (int i = 0; i < 5; ++i) Log("k" + std::to_string(i), "1");
  ASSERT_TRUE(client_->admin().DeleteRecords({kTopic, 0}, 3).ok());
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, 2));
  ASSERT_TRUE(Eventually([&] { return outcome_.finished.load(); }));
  EXPECT_EQ(outcome_.afresh, 1);
  EXPECT_EQ(outcome_.contents, (std::map<std::string, std::string>{{"k3", "1"}, {"k4", "1"}}));
}

TEST_F(RestorerTest, StartsAfreshWhenTheStoreFindsItselfDamaged) {
  Log("a", "1");
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, std::nullopt, std::nullopt, /*damaged=*/true));
  ASSERT_TRUE(Eventually([&] { return outcome_.finished.load(); }));
  EXPECT_EQ(outcome_.afresh, 1);
  EXPECT_EQ(outcome_.contents, (std::map<std::string, std::string>{{"a", "1"}}));
}

TEST_F(RestorerTest, FailsWithStoreTaskAndTopicWhenTheChangelogIsGone) {
  ASSERT_TRUE(client_->admin().DeleteTopic(kTopic).ok());
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, std::nullopt));
  ASSERT_TRUE(Eventually([&] { return outcome_.failed.load(); }));
  EXPECT_THAT(std::string(outcome_.error.message()), HasSubstr("store counts of task 0_0 from app-counts-changelog-0"));
}

/// Its task's offsets are not to be had until the group is left, and then never.
class StuckJob final : public FakeJob {
 public:
  StuckJob(Outcome* outcome, std::atomic<bool>* opening, std::atomic<bool>* left)
      : FakeJob(outcome, std::nullopt), opening_(opening), left_(left) {}
  absl::StatusOr<std::vector<StoreToRestore>> Open() override {
    *opening_ = true;
    while (!*left_) Host::Real().Sleep(1ms);
    return absl::FailedPreconditionError("the group was left");
  }

 private:
  std::atomic<bool>* opening_;
  std::atomic<bool>* left_;
};

TEST_F(RestorerTest, DoesNotReportTheFailureOfATaskThatIsBeingGivenBack) {
  std::atomic<bool> opening = false;
  std::atomic<bool> left = false;
  restorer_.Add(std::make_unique<StuckJob>(&outcome_, &opening, &left));
  ASSERT_TRUE(Eventually([&] { return opening.load(); }));
  restorer_.Cancel({7});
  left = true;
  EXPECT_TRUE(Eventually([&] { return outcome_.destroyed.load(); }));
  EXPECT_FALSE(outcome_.failed);
}

TEST_F(RestorerTest, GivesBackATaskWhoseOpeningHangsAndOpensItAgainOnlyAfterwards) {
  std::atomic<bool> opening = false;
  std::atomic<bool> left = false;
  restorer_.Add(std::make_unique<StuckJob>(&outcome_, &opening, &left));
  ASSERT_TRUE(Eventually([&] { return opening.load(); }));
  restorer_.Cancel({7});
  EXPECT_FALSE(outcome_.destroyed);
  Outcome again;
  Outcome other;
  restorer_.Add(std::make_unique<FakeJob>(&again, std::nullopt));
  auto job = std::make_unique<FakeJob>(&other, std::nullopt);
  job->number = 8;
  restorer_.Add(std::move(job));
  EXPECT_TRUE(Eventually([&] { return other.finished.load(); }));
  EXPECT_FALSE(again.finished);
  left = true;
  EXPECT_TRUE(Eventually([&] { return again.finished.load(); }));
  EXPECT_TRUE(outcome_.destroyed);
}

TEST_F(RestorerTest, OpensTasksSideBySide) {
  std::atomic<bool> opening[2] = {false, false};
  std::atomic<bool> left = false;
  Outcome other;
  auto job = std::make_unique<StuckJob>(&outcome_, &opening[0], &left);
  job->number = 8;
  restorer_.Add(std::move(job));
  restorer_.Add(std::make_unique<StuckJob>(&other, &opening[1], &left));
  EXPECT_TRUE(Eventually([&] { return opening[0].load() && opening[1].load(); }));
  EXPECT_TRUE(Eventually([&] { return restorer_.waiting().size() == 2; }));
  EXPECT_EQ(restorer_.waiting()[0].reason, "opening");
  left = true;
  EXPECT_TRUE(Eventually([&] { return outcome_.failed && other.failed; }));
}

TEST_F(RestorerTest, DropsWhatFailsOrComesAfterItWasStopped) {
  std::atomic<bool> opening = false;
  std::atomic<bool> left = false;
  restorer_.Add(std::make_unique<StuckJob>(&outcome_, &opening, &left));
  ASSERT_TRUE(Eventually([&] { return opening.load(); }));
  auto control = host_.StartThread("control", [&] { restorer_.Stop(); });
  host_.Sleep(20ms);  // the stop is under way; not a condition that can be seen from outside
  std::atomic<bool> cancelled = false;
  auto membership = host_.StartThread("membership", [&] {
    restorer_.Cancel({7});
    cancelled = true;
  });
  host_.Sleep(20ms);
  EXPECT_FALSE(cancelled);  // the task is still in use
  left = true;
  control->Join();
  membership->Join();
  EXPECT_TRUE(outcome_.destroyed);
  EXPECT_FALSE(outcome_.failed);

  Outcome late;
  restorer_.Add(std::make_unique<FakeJob>(&late, std::nullopt));
  restorer_.Cancel({7});
  EXPECT_TRUE(late.destroyed);
  EXPECT_FALSE(late.failed);
  EXPECT_FALSE(late.finished);
}

TEST_F(RestorerTest, LeavesACancelledTaskAlone) {
  for (int i = 0; i < 1000; ++i) Log("k" + std::to_string(i), "1");
  restorer_.Add(std::make_unique<FakeJob>(&outcome_, std::nullopt));
  restorer_.Cancel({7});
  EXPECT_TRUE(Eventually([&] { return outcome_.destroyed.load(); }));
}

}  // namespace
}  // namespace millrace
