#include "registry/topic_schemas.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "stub_registry.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kFile[] = R"(syntax = "proto3"; package shop;
import "google/protobuf/timestamp.proto";
import "money.proto";
// What was paid.
message Payment { message Part { int64 n = 1; } map<string, int64> tags = 4;
  // When.
  google.protobuf.Timestamp at = 1; money.Amount amount = 2; Part part = 3; }
message Refund { int64 id = 1; })";
constexpr char kMoney[] = R"(syntax = "proto3"; package money; message Amount { int64 cents = 1; })";

class TopicSchemasTest : public testing::Test {
 protected:
  TopicSchemasTest() {
    registry_.Register("money", kMoney);
    id_ = registry_.Register("payments-value", kFile, {{"money.proto", "money", 1}});
  }
  static BytesView Bytes(const std::string& value) { return BytesView(value); }

  StubRegistry registry_;
  RegistryClient client_{registry_.options()};
  int id_ = 0;
};

TEST_F(TopicSchemasTest, LoadsTheFirstMessageWithAllThatItImports) {
  TopicSchemas schemas(&client_, "payments-value", "");
  const auto latest = schemas.Load();
  ASSERT_TRUE(latest.ok()) << latest.status();
  EXPECT_EQ(latest->message, "shop.Payment");
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromString(latest->descriptor_set));
  google::protobuf::DescriptorPool pool;
  for (const auto& file : set.file()) ASSERT_NE(pool.BuildFile(file), nullptr) << file.name();
  const auto* message = pool.FindMessageTypeByName("shop.Payment");
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->FindFieldByName("amount")->message_type()->full_name(), "money.Amount");
  google::protobuf::SourceLocation location;
  ASSERT_TRUE(message->FindFieldByName("at")->GetSourceLocation(&location));
  EXPECT_EQ(location.leading_comments, " When.\n");
  EXPECT_TRUE(schemas.Knows(id_));
}

TEST_F(TopicSchemasTest, LoadsAFileThatWasRegisteredAsProtobufHasIt) {
  TopicSchemas text(&client_, "payments-value", "");
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromString(text.Load()->descriptor_set));
  registry_.Register("serialized-value", absl::Base64Escape(set.file().rbegin()->SerializeAsString()),
                     {{"money.proto", "money", 1}});
  TopicSchemas schemas(&client_, "serialized-value", "");
  const auto latest = schemas.Load();
  ASSERT_TRUE(latest.ok()) << latest.status();
  EXPECT_EQ(latest->message, "shop.Payment");
}

TEST_F(TopicSchemasTest, ChecksThatAValueIsTheMessage) {
  TopicSchemas schemas(&client_, "payments-value", "shop.Payment.Part");
  ASSERT_TRUE(schemas.Load().ok());
  EXPECT_TRUE(schemas.Check({id_, {0, 0}, 0}).ok());
  EXPECT_THAT(std::string(schemas.Check({id_, {1}, 0}).message()), HasSubstr("shop.Refund"));
  EXPECT_EQ(schemas.Check({id_, {7}, 0}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TopicSchemasTest, LearnsSchemasThatComeLater) {
  TopicSchemas schemas(&client_, "payments-value", "shop.Refund");
  ASSERT_TRUE(schemas.Load().ok());
  const int next = registry_.Register("payments-value", R"(syntax = "proto3"; package shop; message Refund {})");
  EXPECT_FALSE(schemas.Knows(next));
  ASSERT_TRUE(schemas.Learn(next).ok());
  EXPECT_TRUE(schemas.Check({next, {0}, 0}).ok());
  EXPECT_EQ(schemas.Learn(99).code(), absl::StatusCode::kNotFound);
}

TEST_F(TopicSchemasTest, SaysWhyASchemaCannotBeUsed) {
  EXPECT_THAT(std::string(TopicSchemas(&client_, "payments-value", "shop.Order").Load().status().message()),
              HasSubstr("no message shop.Order"));
  registry_.Register("bad-value", "syntax = \"proto3\"; mesage M {}");
  EXPECT_THAT(std::string(TopicSchemas(&client_, "bad-value", "").Load().status().message()), HasSubstr("line 1, column 20"));
  registry_.Register("lone-value", "syntax = \"proto3\"; import \"other.proto\"; message M {}");
  EXPECT_THAT(std::string(TopicSchemas(&client_, "lone-value", "").Load().status().message()), HasSubstr("imports other.proto"));
}

TEST(RegistryHeader, ReadsIdAndWay) {
  const auto first = RegistryHeader::Parse(BytesView(std::string("\0\0\0\1\2\0payload", 13)));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->schema_id, 258);
  EXPECT_THAT(first->message_indexes, ElementsAre(0));
  EXPECT_EQ(first->size, 6u);
  // Two steps: 1, 0; and one of 100, which takes two bytes.
  const auto nested = RegistryHeader::Parse(BytesView(std::string("\0\0\0\0\7\4\2\0x", 9)));
  EXPECT_THAT(nested->message_indexes, ElementsAre(1, 0));
  EXPECT_EQ(nested->size, 8u);
  EXPECT_THAT(RegistryHeader::Parse(BytesView(std::string("\0\0\0\0\7\2\xc8\1", 8)))->message_indexes, ElementsAre(100));
}

TEST(RegistryHeader, RefusesWhatIsNone) {
  for (const std::string& value : {std::string(), std::string("\0\0\0\0\1", 5), std::string("\1\0\0\0\1\0", 6),
                                   std::string("\0\0\0\0\1\6\0", 7), std::string("\0\0\0\0\1\x80", 6),
                                   std::string("\0\0\0\0\1\xff\xff\xff\xff\xff\1", 11), std::string("\0\0\0\0\1\1\0", 7)}) {
    EXPECT_EQ(RegistryHeader::Parse(BytesView(value)).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace millrace::warehouse
