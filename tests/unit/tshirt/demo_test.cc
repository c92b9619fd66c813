#include "demo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "check.h"
#include "rules.h"

namespace millrace::tshirt {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class DemoTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_);
    options_.users = 200;
    options_.directory = directory_;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  absl::StatusOr<int> Run() {
    testing::internal::CaptureStdout();
    absl::StatusOr<int> code = RunDemo(client_.get(), options_);
    out_ = testing::internal::GetCapturedStdout();
    return code;
  }
  std::unordered_map<std::string, std::string> LastValues(std::string_view topic) {
    std::unordered_map<std::string, std::string> values;
    const auto reader = client_->NewReader({std::string(topic)});
    const absl::Status read = (*reader)->ReadToEnd(5s, [&](const TopicRecord& record) {
      if (record.value) {
        values[std::string(*record.key)] = std::string(*record.value);
      } else {
        values.erase(std::string(*record.key));
      }
    });
    EXPECT_TRUE(read.ok()) << read;
    return values;
  }

  const std::string directory_ = testing::TempDir() + "/demo_test";
  std::unique_ptr<TopicClient> client_ = TopicClient::Embedded();
  DemoOptions options_;
  std::string out_;
};

TEST_F(DemoTest, MakesTheTopicsThatAreMissing) {
  ASSERT_TRUE(client_->CreateTopic("payments", 1).ok());
  ASSERT_TRUE(CreateTopics(client_.get(), 3).ok());
  EXPECT_EQ(client_->PartitionCount("payments").value(), 1);
  for (const std::string topic : {"registrations", "orders", "deliveries"}) EXPECT_EQ(client_->PartitionCount(topic).value(), 3);
  for (const std::string_view topic : kOutputTopics) EXPECT_EQ(client_->PartitionCount(std::string(topic)).value(), 3);
  EXPECT_TRUE(CreateTopics(client_.get(), 3).ok());
}

TEST_F(DemoTest, LoadsEveryRecordOfTheGenerator) {
  ASSERT_TRUE(CreateTopics(client_.get(), 2).ok());
  Generator generator({.users = 50, .seed = 2});
  ASSERT_TRUE(Load(client_.get(), &generator).ok());
  std::map<std::string, int64_t> counts;
  const auto reader = client_->NewReader({"registrations", "orders", "deliveries", "payments"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_TRUE((*reader)->ReadToEnd(5s, [&](const TopicRecord& record) { ++counts[*record.topic]; }).ok());
  for (int kind = 0; kind < kEventKinds; ++kind) {
    const auto event = static_cast<EventKind>(kind);
    EXPECT_EQ(counts[std::string(InputTopic(event))], generator.count(event)) << InputTopic(event);
  }
}

TEST_F(DemoTest, LoadingNamesAMissingTopic) {
  Generator generator({.users = 5, .seed = 2});
  const absl::Status loaded = Load(client_.get(), &generator);
  EXPECT_EQ(loaded.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(loaded.message(), HasSubstr("registrations"));
}

TEST_F(DemoTest, FindsTimeZonesByName) {
  EXPECT_EQ(FindTimeZone("UTC").value(), absl::UTCTimeZone());
  EXPECT_EQ(FindTimeZone("Europe/Oslo")->name(), "Europe/Oslo");
  for (const std::string name : {"Europe/Olso", "", "/etc/passwd"}) {
    const absl::Status status = FindTimeZone(name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("'" + name + "'"), HasSubstr("--time-zone"), HasSubstr("TSHIRT_TIME_ZONE")));
  }
}

TEST_F(DemoTest, TwoWorkersProcessTheShopInItsTimeZoneAndEveryFactIsRight) {
  options_.workers = 2;
  options_.zone = FindTimeZone("America/New_York").value();
  const absl::StatusOr<int> code = Run();
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, 0) << out_;
  EXPECT_THAT(out_,
              AllOf(ContainsRegex("data +[0-9]+ s +[0-9]+ records"), HasSubstr("(100 %)"), ContainsRegex("tshirt-facts +[0-9]"),
                    ContainsRegex("warehouse: 11 tables, [0-9]+ rows"), HasSubstr("every fact is right\n")));
  const Expected expected = ReadModel(client_.get(), options_.zone)->Finish();
  for (const std::string_view topic : kOutputTopics) EXPECT_EQ(LastValues(topic), expected.find(topic)->second) << topic;
  const Expected of_utc = ReadModel(client_.get(), absl::UTCTimeZone())->Finish();
  EXPECT_NE(LastValues(kDailyRegistrations), of_utc.find(kDailyRegistrations)->second);
  std::ifstream facts(directory_ + "/tshirt-facts.csv");
  int64_t lines = -1;  // the header
  for (std::string line; std::getline(facts, line);) ++lines;
  EXPECT_EQ(lines, static_cast<int64_t>(expected.find(kFacts)->second.size()));
}

TEST_F(DemoTest, AFactThatIsNotTheModelsIsFound) {
  ASSERT_TRUE(CreateTopics(client_.get(), options_.partitions).ok());
  TShirtFact of_nobody;
  of_nobody.set_order_id(123456789);
  const std::string value = of_nobody.SerializeAsString();
  const auto writer = client_->NewWriter();
  ASSERT_TRUE((*writer)->Send(std::string(kFacts), "123456789", value, Timestamp::FromMillis(1)).ok());
  ASSERT_TRUE((*writer)->Flush(5s).ok());
  const absl::StatusOr<int> code = Run();
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, 1);
  EXPECT_THAT(out_, HasSubstr("NOT CORRECT\n"));
}

TEST_F(DemoTest, AFolderThatCannotBeMadeIsNamed) {
  options_.directory = "/dev/null/demo";
  const absl::StatusOr<int> code = Run();
  EXPECT_EQ(code.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(code.status().message(), HasSubstr("/dev/null/demo"));
}

TEST_F(DemoTest, OrdersAndDeliveriesNeedAsManyPartitions) {
  ASSERT_TRUE(client_->CreateTopic("orders", 1).ok());
  const absl::Status status = CreateTopics(client_.get(), 3);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("orders has 1"), HasSubstr("deliveries has 3")));
}

TEST_F(DemoTest, AFailureNamesItsStage) {
  options_.partitions = 0;
  EXPECT_THAT(Run().status().message(), HasSubstr("stage \"data\": "));
  options_.partitions = 2;
  std::ofstream(directory_ + "/state-0") << "not a folder";
  const absl::Status running = Run().status();
  EXPECT_THAT(running.message(), AllOf(HasSubstr("stage \"running\": "), HasSubstr(directory_ + "/state-0")));
}

TEST_F(DemoTest, WithoutAFolderItMakesOneOfItsOwnEachTime) {
  options_.users = 20;
  options_.directory = "";
  std::set<std::string> folders;
  for (int i = 0; i < 2; ++i) {
    client_ = TopicClient::Embedded();
    ASSERT_EQ(Run().value_or(-1), 0) << out_;
    const size_t at = out_.rfind("/tmp/tshirt-demo-");
    ASSERT_NE(at, std::string::npos) << out_;
    EXPECT_TRUE(folders.insert(out_.substr(at, out_.find('\n', at) - at)).second);
  }
  for (const std::string& folder : folders) EXPECT_GT(std::filesystem::remove_all(folder), 0u) << folder;
}

TEST_F(DemoTest, TheFolderOfAnEarlierDemoCanBeGivenAgain) {
  options_.users = 50;
  for (int i = 0; i < 2; ++i) {
    client_ = TopicClient::Embedded();
    const absl::StatusOr<int> code = Run();
    ASSERT_TRUE(code.ok()) << code.status();
    EXPECT_EQ(*code, 0) << out_;
  }
}

TEST_F(DemoTest, WithoutABrokersAddressItRunsInTheProcess) {
  options_.users = 20;
  testing::internal::CaptureStdout();
  const absl::StatusOr<int> code = RunDemo(options_);
  out_ = testing::internal::GetCapturedStdout();
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, 0) << out_;
}

}  // namespace
}  // namespace millrace::tshirt
