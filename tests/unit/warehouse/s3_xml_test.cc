#include "storage/s3_xml.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

TEST(S3XmlTest, ReadsAPage) {
  const absl::StatusOr<S3Page> page = ParseS3Page(
      "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"x\"><Name>b</Name><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>1&amp;2</NextContinuationToken>"
      "<Contents><Key>a "
      "&lt;b&gt;&#x20AC;&#65;</Key><LastModified>2026-11-30T03:20:06.125Z</LastModified><Size>12</Size></Contents>"
      "<Contents><Key>c</Key><LastModified>1970-01-01T00:00:01Z</LastModified><Size>0</Size></Contents>"
      "<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes></ListBucketResult>");
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0].key,
            "a <b>\xE2\x82\xAC"
            "A");
  EXPECT_EQ(page->objects[0].size_bytes, 12);
  EXPECT_EQ(page->objects[0].modified_ms, 1796008806125);
  EXPECT_EQ(page->objects[1].modified_ms, 1000);
  EXPECT_EQ(page->prefixes, std::vector<std::string>{"d/"});
  EXPECT_EQ(page->next, "1&2");
}

TEST(S3XmlTest, DecodesKeysIfTheAnswerSaysSo) {
  const std::string contents =
      "<Contents><Key>a%2Fb+c%2B</Key><LastModified>1970-01-01T00:00:00Z</LastModified><Size>1</Size></Contents></"
      "ListBucketResult>";
  EXPECT_EQ(ParseS3Page("<ListBucketResult><EncodingType>url</EncodingType>" + contents)->objects[0].key, "a/b c+");
  EXPECT_EQ(ParseS3Page("<ListBucketResult>" + contents)->objects[0].key, "a%2Fb+c%2B");
}

TEST(S3XmlTest, RefusesWhatIsNoWholeList) {
  for (const char* text :
       {"", "<html/>", "<ListBucketResult><Contents>",
        "<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><LastModified>1970-01-01T00:00:00Z</LastModified><Size>x</Size>"
        "</Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"}) {
    EXPECT_FALSE(ParseS3Page(text).ok()) << text;
  }
}

TEST(S3XmlTest, ReadsTimesAndEscapes) {
  EXPECT_EQ(ParseS3Time("2026-13-01T00:00:00Z"), -1);
  EXPECT_EQ(ParseS3Time("yesterday"), -1);
  EXPECT_EQ(XmlText("<a>&unknown; &amp</a>", "a"), "&unknown; &amp");
  EXPECT_EQ(XmlText("<a>x", "a"), "");
  EXPECT_EQ(XmlEscape("\"a<b>&\""), "&quot;a&lt;b&gt;&amp;&quot;");
}

}  // namespace
}  // namespace millrace::warehouse
