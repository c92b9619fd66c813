#include "task/punctuation_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "task_test_support.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

class PunctuationQueueTest : public testing::Test {
 protected:
  Cancellable Add(const std::string& name, int64_t first, int64_t interval) {
    return queue_.Add(Ms(first), milliseconds(interval),
                      [this, name](Timestamp now) { fired_.push_back(name + std::to_string(now.millis())); });
  }
  bool Fire(int64_t now) {
    return queue_.Fire(Ms(now), [](const Punctuator& punctuator, Timestamp time) {
      punctuator(time);
      return true;
    });
  }

  PunctuationQueue queue_;
  std::vector<std::string> fired_;
};

TEST_F(PunctuationQueueTest, FiresWhatIsDueWithTheCurrentTime) {
  Add("a", 0, 10);
  EXPECT_TRUE(Fire(3));
  EXPECT_FALSE(Fire(9));
  EXPECT_TRUE(Fire(10));
  EXPECT_THAT(fired_, ElementsAre("a3", "a10"));
}

TEST_F(PunctuationQueueTest, FiresMissedTicksOnceAndKeepsTheGrid) {
  Add("a", 0, 10);
  Fire(0);
  Fire(47);
  EXPECT_EQ(queue_.next(), Ms(50));
  EXPECT_FALSE(Fire(49));
  Fire(50);
  EXPECT_THAT(fired_, ElementsAre("a0", "a47", "a50"));
}

TEST_F(PunctuationQueueTest, FiresInOrderOfDueTime) {
  Add("late", 20, 100);
  Add("early", 10, 100);
  Fire(25);
  EXPECT_THAT(fired_, ElementsAre("early25", "late25"));
}

TEST_F(PunctuationQueueTest, DoesNotFireWhatWasCancelled) {
  Cancellable cancellable = Add("a", 0, 10);
  Fire(0);
  cancellable.Cancel();
  EXPECT_FALSE(Fire(100));
  EXPECT_EQ(queue_.next(), std::nullopt);
  EXPECT_THAT(fired_, ElementsAre("a0"));
}

TEST_F(PunctuationQueueTest, MayBeCancelledAndScheduledWhileItFires) {
  Cancellable self;
  self = queue_.Add(Ms(0), milliseconds(1), [&](Timestamp) {
    self.Cancel();
    Add("new", 50, 10);
  });
  EXPECT_TRUE(Fire(5));
  EXPECT_THAT(fired_, IsEmpty());
  EXPECT_EQ(queue_.next(), Ms(50));
  EXPECT_TRUE(Fire(50));
  EXPECT_THAT(fired_, ElementsAre("new50"));
}

TEST_F(PunctuationQueueTest, StopsWhenAPunctuationFailed) {
  Add("a", 0, 10);
  Add("b", 1, 10);
  int calls = 0;
  EXPECT_TRUE(queue_.Fire(Ms(5), [&](const Punctuator&, Timestamp) {
    ++calls;
    return false;
  }));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace millrace
