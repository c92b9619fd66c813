#include "storage/backoff.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

TEST(BackoffTest, EndsWhenItsTimeIsOver) {
  EXPECT_FALSE(Backoff(std::chrono::milliseconds(0)).Wait());
  Backoff backoff(std::chrono::milliseconds(200));
  int waits = 0;
  while (backoff.Wait()) ++waits;
  EXPECT_GE(waits, 1);
  EXPECT_LE(waits, 8);
}

}  // namespace
}  // namespace millrace::warehouse
