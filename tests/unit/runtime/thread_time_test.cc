#include "streams/thread_time.h"

#include <gtest/gtest.h>

#include "fake_host.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

TEST(ThreadTime, TheTimeBetweenTwoLapsBelongsToTheLaterOneAndNoneIsLost) {
  FakeHost host;
  ThreadTime time(&host);
  host.Advance(5ms);
  EXPECT_EQ(time.Lap(ThreadTime::kPoll), host.Monotonic());
  host.Advance(20ms);
  time.Lap(ThreadTime::kProcess);
  time.Lap(ThreadTime::kCommit);
  host.Advance(7ms);
  time.Lap(ThreadTime::kPoll);
  EXPECT_EQ(time.spent(ThreadTime::kPoll), 12ms);
  EXPECT_EQ(time.spent(ThreadTime::kProcess), 20ms);
  EXPECT_EQ(time.spent(ThreadTime::kCommit), 0ms);
  EXPECT_EQ(time.last(), host.Monotonic());
}

TEST(ThreadTime, ALapLooksAtTheClockOnce) {
  FakeHost host;
  ThreadTime time(&host);
  const int before = host.looks();
  time.Lap(ThreadTime::kProcess);
  EXPECT_EQ(host.looks(), before + 1);
}

}  // namespace
}  // namespace millrace
