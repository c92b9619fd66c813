#include "landing/message_descriptors.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using google::protobuf::FileDescriptorSet;

FileDescriptorSet Found(const MessageDescriptors& descriptors, const std::string& message) {
  const auto text = descriptors.Find(message);
  EXPECT_TRUE(text.ok()) << text.status();
  FileDescriptorSet set;
  EXPECT_TRUE(set.ParseFromString(text.value_or("")));
  return set;
}

TEST(MessageDescriptors, FindsAMessageOfTheProgramWithItsImports) {
  const FileDescriptorSet set = Found(MessageDescriptors(), "google.protobuf.Struct");
  ASSERT_EQ(set.file_size(), 1);
  EXPECT_EQ(set.file(0).name(), "google/protobuf/struct.proto");
}

TEST(MessageDescriptors, FindsAMessageOfAFile) {
  FileDescriptorSet set;
  auto* file = set.add_file();
  file->set_name("shop.proto");
  file->set_package("shop.v1");
  auto* order = file->add_message_type();
  order->set_name("Order");
  order->add_nested_type()->set_name("Line");
  MessageDescriptors descriptors;
  ASSERT_TRUE(descriptors.Add(set.SerializeAsString(), "shop.pb").ok());
  EXPECT_EQ(Found(descriptors, "shop.v1.Order").file(0).name(), "shop.proto");
  EXPECT_EQ(Found(descriptors, "shop.v1.Order.Line").file(0).name(), "shop.proto");
  EXPECT_EQ(descriptors.Find("shop.v1.Orde").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(descriptors.Find("other.Order").status().code(), absl::StatusCode::kNotFound);
}

TEST(MessageDescriptors, RefusesAFileThatIsNoDescriptorSet) {
  MessageDescriptors descriptors;
  const absl::Status status = descriptors.Add("syntax = \"proto3\";", "shop.proto");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("shop.proto"));
}

}  // namespace
}  // namespace millrace
