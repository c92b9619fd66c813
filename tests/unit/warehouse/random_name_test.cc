#include "storage/random_name.h"

#include <gtest/gtest.h>

#include <set>

namespace millrace::warehouse {
namespace {

TEST(RandomNameTest, NamesAreNew) {
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = RandomName();
    EXPECT_EQ(name.size(), 32U);
    EXPECT_EQ(name.find_first_not_of("0123456789abcdef"), std::string::npos) << name;
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 1000U);
  EXPECT_TRUE(TemporaryName().starts_with(".millrace-tmp-"));
}

}  // namespace
}  // namespace millrace::warehouse
