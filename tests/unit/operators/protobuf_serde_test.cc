#include "millrace/operators/protobuf_serde.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using google::protobuf::StringValue;
static_assert(HasSerde<StringValue>);
static_assert(!HasSerde<google::protobuf::Message>, "the abstract base is no message type");

TEST(ProtobufSerde, GivesBackWhatItWrote) {
  StringValue message;
  message.set_value("shirt");
  const AnySerde<StringValue> serde;
  StringValue read;
  read.set_value("before");
  ASSERT_EQ(serde.Deserialize(serde.ToBytes(message), &read), absl::OkStatus());
  EXPECT_EQ(read.value(), "shirt");
}

TEST(ProtobufSerde, NoBytesAreTheDefaultMessage) {
  StringValue read;
  read.set_value("before");
  ASSERT_EQ(Serde<StringValue>().Deserialize("", &read), absl::OkStatus());
  EXPECT_EQ(read.value(), "");
}

TEST(ProtobufSerde, AnErrorNamesTheTypeAndTheSize) {
  StringValue read;
  const absl::Status status = Serde<StringValue>().Deserialize("\x0a\x05hi", &read);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "4 bytes are no message of type google.protobuf.StringValue");
}

TEST(ProtobufSerde, CountsTheMemoryBehindTheMessage) {
  StringValue small;
  StringValue large;
  large.set_value(std::string(1000, 'x'));
  EXPECT_GT(Serde<StringValue>().MemoryBytes(large), Serde<StringValue>().MemoryBytes(small) + 900);
}

TEST(ProtobufSerde, TheFingerprintHoldsFieldNumbersAndTypesOfAllMessagesInside) {
  const SerdeFingerprint one = AnySerde<StringValue>().Fingerprint();
  EXPECT_EQ(one.name, "protobuf google.protobuf.StringValue");
  EXPECT_EQ(one.roots, std::vector<std::string>{"google.protobuf.StringValue"});
  EXPECT_EQ(one.messages.at("google.protobuf.StringValue").at(1), (SerdeFingerprint::Field{"string", ""}));

  // Struct, Value and ListValue contain each other.
  const SerdeFingerprint many = AnySerde<google::protobuf::Struct>().Fingerprint();
  EXPECT_EQ(many.messages.size(), 4u);
  EXPECT_EQ(many.messages.at("google.protobuf.Struct").at(1),
            (SerdeFingerprint::Field{"repeated message", "google.protobuf.Struct.FieldsEntry"}));
  const auto& value = many.messages.at("google.protobuf.Value");
  EXPECT_EQ(value.at(1).type, "varint") << "an enum";
  EXPECT_EQ(value.at(2).type, "double");
  EXPECT_EQ(value.at(5), (SerdeFingerprint::Field{"message", "google.protobuf.Struct"}));
  EXPECT_TRUE(CompareFingerprints(many, many, Evolution::kNone).empty());
}

}  // namespace
}  // namespace millrace
