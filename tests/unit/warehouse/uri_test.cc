#include "storage/uri.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

TEST(UriTest, HasItsPartsLiterally) {
  const absl::StatusOr<Uri> s3 = ParseUri("s3://bucket/a b/c%20d=1");
  ASSERT_TRUE(s3.ok()) << s3.status();
  EXPECT_EQ(s3->scheme, "s3");
  EXPECT_EQ(s3->authority, "bucket");
  EXPECT_EQ(s3->path, "/a b/c%20d=1");
  EXPECT_EQ(s3->ToString(), "s3://bucket/a b/c%20d=1");
  EXPECT_EQ(ParseUri("HDFS://host:9870/x/")->ToString(), "hdfs://host:9870/x");
  EXPECT_EQ(ParseUri("file:/data/x")->ToString(), "file:///data/x");
  EXPECT_EQ(ParseUri("s3://bucket")->path, "");
  EXPECT_EQ(ParseUri("file:///")->path, "/");
}

TEST(UriTest, RefusesWhatStoragesWouldReadDifferently) {
  for (const char* text : {"", "/data", "data", "s3:x", "://x", "s3://b/a//b", "s3://b/../x", "file:///a/./b"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseUri(text).status())) << text;
  }
}

TEST(UriTest, DoesNotPrintAUser) {
  const absl::Status status = ParseUri("hdfs://name:secret@host/x").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message().find("secret"), std::string::npos) << status;
}

TEST(UriTest, SplitsAndJoinsPaths) {
  EXPECT_EQ(JoinPath("s3://b/a", "c"), "s3://b/a/c");
  EXPECT_EQ(JoinPath("s3://b/a/", "c"), "s3://b/a/c");
  EXPECT_EQ(FolderOf("s3://b/a/c"), "s3://b/a");
  EXPECT_EQ(NameOf("s3://b/a/c"), "c");
}

TEST(UriTest, EncodesAsSignaturesWantIt) {
  EXPECT_EQ(PercentEncode("/a b/\xC3\xBC+%~-._", true), "/a%20b/%C3%BC%2B%25~-._");
  EXPECT_EQ(PercentEncode("a/b", false), "a%2Fb");
  EXPECT_EQ(PercentDecode("a%2Fb%zz%4"), "a/b%zz%4");
  EXPECT_EQ(EncodeQuery({{"uploads", ""}}), "uploads=");
  EXPECT_EQ(EncodeQuery({{"prefix", "a/b"}, {"list-type", "2"}}), "list-type=2&prefix=a%2Fb");
}

}  // namespace
}  // namespace millrace::warehouse
