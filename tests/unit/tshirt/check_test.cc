#include "check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "demo.h"
#include "generator.h"
#include "rules.h"

namespace millrace::tshirt {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class CheckTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(CreateTopics(client_.get(), 2).ok());
    writer_ = client_->NewWriter().value();
    for (std::string_view topic : kOutputTopics) expected_[std::string(topic)];
  }

  void Write(std::string_view topic, const std::string& key, const std::optional<std::string>& value) {
    NullableBytesView bytes;
    if (value) bytes = *value;
    ASSERT_TRUE(writer_->Send(std::string(topic), key, bytes, Timestamp::FromMillis(1)).ok());
    ASSERT_TRUE(writer_->Flush(std::chrono::seconds(5)).ok());
  }
  void Expect(std::string_view topic, const std::string& key, const std::string& value) {
    expected_[std::string(topic)][key] = value;
  }
  CheckResult Result(const std::string& csv = "") {
    absl::StatusOr<CheckResult> result = Check(client_.get(), expected_, csv);
    EXPECT_TRUE(result.ok()) << result.status();
    return *result;
  }
  static const TopicResult& Of(const CheckResult& result, std::string_view topic) {
    return *std::find_if(result.topics.begin(), result.topics.end(), [&](const TopicResult& t) { return t.topic == topic; });
  }

  std::unique_ptr<TopicClient> client_ = TopicClient::Embedded();
  std::unique_ptr<TopicWriter> writer_;
  Expected expected_;
};

TEST_F(CheckTest, ATopicThatSaysWhatTheModelSaysIsCorrect) {
  for (const std::string key : {"1", "2", "3"}) {
    Write(kFacts, key, "fact " + key);
    Expect(kFacts, key, "fact " + key);
  }
  const CheckResult result = Result();
  EXPECT_TRUE(result.correct());
  ASSERT_EQ(result.topics.size(), kOutputTopics.size());
  EXPECT_EQ(result.topics.front().topic, kFacts);
  EXPECT_EQ(Of(result, kFacts).records, 3);
  EXPECT_EQ(Of(result, kFacts).expected, 3);
  EXPECT_EQ(Of(result, kBuyers).records, 0);
}

TEST_F(CheckTest, AKeyThatDidNotComeOrWasDeletedIsMissing) {
  Expect(kPending, "1", "a");
  Expect(kPending, "2", "b");
  Write(kPending, "2", "b");
  Write(kPending, "2", std::nullopt);
  const CheckResult result = Result();
  EXPECT_FALSE(result.correct());
  EXPECT_EQ(Of(result, kPending).missing, 2);
  EXPECT_EQ(Of(result, kPending).wrong, 0);
}

TEST_F(CheckTest, AnotherValueOrAKeyOfItsOwnIsWrong) {
  Expect(kDailySales, "1", "a");
  Write(kDailySales, "1", "b");
  Write(kDailySales, "2", "c");
  const CheckResult result = Result();
  EXPECT_FALSE(result.correct());
  EXPECT_EQ(Of(result, kDailySales).wrong, 2);
  EXPECT_EQ(Of(result, kDailySales).missing, 0);
}

TEST_F(CheckTest, OnlyTheLastValueOfAKeyCounts) {
  Expect(kUnmatched, "1", "b");
  Write(kUnmatched, "1", "a");
  Write(kUnmatched, "1", std::nullopt);
  Write(kUnmatched, "1", "b");
  Write(kUnmatched, "2", "a");
  Write(kUnmatched, "2", std::nullopt);
  const CheckResult result = Result();
  EXPECT_TRUE(result.correct());
  EXPECT_EQ(Of(result, kUnmatched).records, 5);
  EXPECT_EQ(Of(result, kUnmatched).expected, 1);
}

TEST_F(CheckTest, TheSameSaidTwiceInARowIsRepeated) {
  Expect(kFacts, "1", "a");
  Write(kFacts, "1", "a");
  Write(kFacts, "1", "a");
  const CheckResult result = Result();
  EXPECT_FALSE(result.correct());
  EXPECT_EQ(Of(result, kFacts).repeated, 1);
}

TEST_F(CheckTest, ATombstoneSaidTwiceAndAValueSaidAgainAfterItAreNoRepetitions) {
  Expect(kFacts, "1", "a");
  Write(kFacts, "1", "a");
  Write(kFacts, "1", std::nullopt);
  Write(kFacts, "1", std::nullopt);
  Write(kFacts, "1", "a");
  const CheckResult result = Result();
  EXPECT_TRUE(result.correct());
  EXPECT_EQ(Of(result, kFacts).repeated, 0);
}

TEST_F(CheckTest, CorrectionsAreCountedWhereAFactIsMeantToBeSaidOnce) {
  for (const std::string_view topic : {kFacts, kBuyers, kDailyDeliveries}) {
    Expect(topic, "1", "c");
    for (const std::string value : {"a", "b", "c"}) Write(topic, "1", value);
  }
  const CheckResult result = Result();
  EXPECT_TRUE(result.correct());
  EXPECT_EQ(Of(result, kFacts).corrected, 2);
  EXPECT_EQ(Of(result, kBuyers).corrected, 2);
  EXPECT_EQ(Of(result, kDailyDeliveries).corrected, 0);
}

TEST_F(CheckTest, NothingCheckedIsNotCorrect) { EXPECT_FALSE(CheckResult().correct()); }

TEST_F(CheckTest, TheTableHasALineForEachTopic) {
  Expect(kFacts, "1", "a");
  Expect(kFacts, "2", "b");
  Write(kFacts, "1", "a");
  const std::string table = Result().ToString();
  EXPECT_THAT(table, AllOf(ContainsRegex("^topic +records +keys +missing +wrong +repeated +corrected\n"),
                           ContainsRegex("\ntshirt-facts +1 +2 +1 +0 +0 +0\n")));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), static_cast<int64_t>(kOutputTopics.size()) + 1);
}

TShirtFact Fact(int64_t order, const std::string& sku) {
  TShirtFact fact;
  fact.set_order_id(order);
  fact.set_user_id(7);
  fact.set_days_after_signup(4);
  fact.set_country("NO");
  fact.set_sku(sku);
  fact.set_price_cents(1500);
  *fact.mutable_registered_at() = ToProto(1767225600000);
  *fact.mutable_ordered_at() = ToProto(1767225600000 + 4 * 86400000 + 1);
  *fact.mutable_delivered_at() = ToProto(1767225600000 + 5 * 86400000);
  return fact;
}

TEST_F(CheckTest, FactsGoToAFileByTheirNumbers) {
  Write(kFacts, "10", Fact(10, "a \"red\", one").SerializeAsString());
  Write(kFacts, "9", Fact(9, "blue").SerializeAsString());
  Write(kFacts, "8", Fact(8, "gone").SerializeAsString());
  Write(kFacts, "8", std::nullopt);
  const std::string path = testing::TempDir() + "/check_test.csv";
  (void)Result(path);
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(
      text,
      "order_id,user_id,registered_at,ordered_at,delivered_at,days_after_signup,country,sku,price_cents\r\n"
      "9,7,2026-01-01T00:00:00.000Z,2026-01-05T00:00:00.001Z,2026-01-06T00:00:00.000Z,4,NO,blue,1500\r\n"
      "10,7,2026-01-01T00:00:00.000Z,2026-01-05T00:00:00.001Z,2026-01-06T00:00:00.000Z,4,NO,\"a \"\"red\"\", one\",1500\r\n");
}

TEST_F(CheckTest, AFileThatCannotBeWrittenIsNamed) {
  const auto result = Check(client_.get(), expected_, "/nowhere/facts.csv");
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(result.status().message(), HasSubstr("/nowhere/facts.csv"));
}

TEST_F(CheckTest, AMissingTopicIsNamed) {
  const std::unique_ptr<TopicClient> empty = TopicClient::Embedded();
  const auto result = Check(empty.get(), expected_);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(result.status().message(), HasSubstr("tshirt-facts"));
  const auto model = ReadModel(empty.get(), absl::UTCTimeZone());
  EXPECT_EQ(model.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(model.status().message(), HasSubstr("registrations"));
}

TEST_F(CheckTest, TheModelOfTheTopicsIsThatOfTheirRecords) {
  const GeneratorOptions options{.users = 100, .seed = 3};
  Generator written(options);
  ASSERT_TRUE(Load(client_.get(), &written).ok());
  Write("orders", "1", std::nullopt);  // says nothing
  absl::TimeZone zone;
  ASSERT_TRUE(absl::LoadTimeZone("America/New_York", &zone));
  Model expected(zone);
  Generator generator(options);
  generator.Next(generator.total(), [&](const InputRecord& r) { ASSERT_TRUE(expected.Add(r.kind, r.value).ok()); });
  const auto model = ReadModel(client_.get(), zone);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->Finish(), expected.Finish());
}

TEST_F(CheckTest, ARecordThatCannotBeReadIsNamedWithItsPlace) {
  Write("orders", "1", Order().SerializeAsString());
  Write("orders", "1", "\xff\xff");
  const auto model = ReadModel(client_.get(), absl::UTCTimeZone());
  EXPECT_EQ(model.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(model.status().message()), ContainsRegex("orders-[01] at offset 1: 2 bytes are no .*Order"));
}

}  // namespace
}  // namespace millrace::tshirt
