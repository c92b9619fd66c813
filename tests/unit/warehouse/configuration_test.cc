#include "storage/configuration.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

using Configuration = std::map<std::string, std::string>;

TEST(ConfigurationTest, KeepsTheFirstError) {
  Configuration configuration = {{"number", "x"}, {"empty", ""}};
  ConfigurationTaker take(&configuration);
  int64_t number = 3;
  std::string text;
  EXPECT_FALSE(take.Number("none", 0, &number));
  EXPECT_TRUE(take.Number("number", 0, &number));
  EXPECT_EQ(number, 3);
  take.Required("empty", "what is needed", &text);
  EXPECT_EQ(take.status().message(), "number must be a whole number of at least 0");
}

TEST(ConfigurationTest, SaysWhatARequiredKeyIs) {
  Configuration configuration;
  ConfigurationTaker take(&configuration);
  std::string text;
  take.Required("key", "a thing", &text);
  EXPECT_EQ(take.status().message(), "key is missing: a thing");
}

TEST(ConfigurationTest, ChecksAddressesWithoutPrintingThem) {
  EXPECT_TRUE(CheckHttpAddress("key", "https://host:1/path@x").ok());
  for (const char* address : {"", "host:1", "ftp://host", "https://user:secret@host/x"}) {
    const absl::Status status = CheckHttpAddress("key", address);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << address;
    EXPECT_EQ(status.message().find("secret"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace millrace::warehouse
