#include "host/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

namespace millrace {
namespace {

TEST(ThreadPoolTest, RunsAllThatWasAddedBeforeItEnds) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool(&Host::Real(), "pool", 3);
    for (int i = 0; i < 100; ++i) pool.Add([&ran] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(ThreadPoolTest, RunsWhatWorkAdds) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool(&Host::Real(), "pool", 1);
    pool.Add([&] { pool.Add([&ran] { ++ran; }); });
  }
  EXPECT_EQ(ran, 1);
}

TEST(ThreadPoolTest, OneThatHangsDoesNotHoldUpTheOthers) {
  ThreadPool pool(&Host::Real(), "pool", 2);
  const std::unique_ptr<Signal> done = Host::Real().NewSignal();
  std::atomic<bool> go_on = false;
  pool.Add([&] {
    while (!go_on) Host::Real().Sleep(std::chrono::milliseconds(1));
  });
  pool.Add([&] { done->Notify(); });
  EXPECT_TRUE(done->Wait(std::chrono::seconds(30)));
  go_on = true;
}

}  // namespace
}  // namespace millrace
