#include "warehouse_commands/topic_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "log/embedded/embedded_log.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class TopicRowsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(log_.CreateTopic("orders", 2).ok()); }

  void Write(int32_t partition, const std::string& value) {
    ASSERT_TRUE(log_.Append("orders", partition, std::nullopt, BytesView(value), Timestamp::FromMillis(1)).ok());
  }
  absl::Status Read(const std::string& topic = "orders") {
    return ReadCommittedRecords(client_.get(), &Host::Real(), topic, 20s, [&](int32_t partition, const RawRecord& record) {
      read_.emplace_back(partition, std::string(*record.value));
      return take_error_;
    });
  }

  log::embedded::EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_ = log_.NewClient();
  std::vector<std::pair<int32_t, std::string>> read_;
  absl::Status take_error_;
};

TEST_F(TopicRowsTest, GivesPartitionByPartitionInOrder) {
  Write(1, "a");
  Write(0, "b");
  Write(1, "c");
  ASSERT_TRUE(Read().ok());
  EXPECT_THAT(read_, ElementsAre(std::pair(0, "b"), std::pair(1, "a"), std::pair(1, "c")));
}

TEST_F(TopicRowsTest, GivesCommittedRecordsOnly) {
  Write(0, "before");
  auto dropped = client_->NewTransactionalProducer("a");
  ASSERT_TRUE(dropped.ok()) << dropped.status();
  ASSERT_TRUE((*dropped)->Begin().ok());
  ASSERT_TRUE((*dropped)->Send("orders", 0, std::nullopt, BytesView("dropped"), Timestamp::FromMillis(1), {}, nullptr).ok());
  ASSERT_TRUE((*dropped)->Abort().ok());
  Write(0, "after");
  auto open = client_->NewTransactionalProducer("b");
  ASSERT_TRUE((*open)->Begin().ok());
  ASSERT_TRUE((*open)->Send("orders", 0, std::nullopt, BytesView("open"), Timestamp::FromMillis(1), {}, nullptr).ok());
  ASSERT_TRUE((*open)->Flush(1s).ok());
  const absl::Status status = Read();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(read_, ElementsAre(std::pair(0, "before"), std::pair(0, "after")));
}

TEST_F(TopicRowsTest, AnEmptyTopicGivesNothingAndAMissingOneIsAnError) {
  ASSERT_TRUE(Read().ok());
  EXPECT_THAT(read_, IsEmpty());
  const absl::Status missing = Read("deliveries");
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("deliveries"));
}

TEST_F(TopicRowsTest, EndsWithTheFirstError) {
  Write(0, "a");
  Write(0, "b");
  take_error_ = absl::ResourceExhaustedError("full");
  EXPECT_EQ(Read(), take_error_);
  EXPECT_EQ(read_.size(), 1u);
}

}  // namespace
}  // namespace millrace
