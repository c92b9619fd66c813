#include "millrace/operators/internal/aggregate_nodes.h"

#include "fake_task_context.h"

namespace millrace::operators_test {
namespace {

using internal::StreamAggregateNode;
using internal::StreamReduceNode;
using internal::WindowAggregateNode;
using std::chrono::milliseconds;
using String = std::string;
using Aggregate = std::optional<String>;
using testing::ElementsAre;
using testing::IsEmpty;

Aggregate Start() { return ""; }
/// A value of "delete" deletes the aggregate.
Aggregate Concat(const String&, const String* value, Aggregate aggregate) {
  if (value == nullptr) return aggregate.value_or("") + "-";
  if (*value == "delete") return std::nullopt;
  return aggregate.value_or("none:") + *value;
}

class AggregateNodes : public testing::Test {
 protected:
  void Store(bool caching) { task_.AddStore(TimestampedKeyValueStoreBuilder<String, String>(Options("s", caching))); }
  template <class Node>
  void Ready(Node& node) {
    Connect(&node, &out_);
    EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  }
  FakeTaskContext task_;
  Collector<String, Change<String>> out_;
};

TEST_F(AggregateNodes, AnAggregateHasTheLargestTimestampOfItsRecords) {
  Store(false);
  StreamAggregateNode<String, String, String> node("a", "s", Start, Concat, false);
  Ready(node);
  Feed(node, "k", "x", 5);
  Feed(node, "k", "y", 3);
  Feed(node, "k", "z", 9);
  EXPECT_THAT(out_.Take(), ElementsAre("k=x@5", "k=xy@5", "k=xyz@9"));
}

TEST_F(AggregateNodes, OldValuesStartWithTheInitialOne) {
  Store(false);
  StreamAggregateNode<String, String, String> node(
      "a", "s", [] { return Aggregate("0"); }, Concat, true);
  Ready(node);
  Feed(node, "k", "x", 5);
  Feed(node, "k", "y", 6);
  EXPECT_THAT(out_.Take(), ElementsAre("k=0x(0)@5", "k=0xy(0x)@6"));
}

TEST_F(AggregateNodes, ANullAggregateDeletesAndStartsAnew) {
  Store(false);
  StreamAggregateNode<String, String, String> node("a", "s", Start, Concat, true);
  Ready(node);
  Feed(node, "k", "x", 9);
  Feed(node, "k", "delete", 7);
  Feed(node, "k", "y", 3);
  EXPECT_THAT(out_.Take(), ElementsAre("k=x()@9", "k=null(x)@9", "k=y()@3"));
}

TEST_F(AggregateNodes, NullKeysAndValuesAreDroppedAndCounted) {
  Store(false);
  StreamAggregateNode<String, String, String> node("a", "s", Start, Concat, false);
  Ready(node);
  Feed(node, std::nullopt, "x", 5);
  Feed(node, "k", std::nullopt, 5);
  Feed(node, std::nullopt, std::nullopt, 5);
  EXPECT_THAT(out_.Take(), IsEmpty());
  EXPECT_EQ(task_.dropped.null_key, 2);
  EXPECT_EQ(task_.dropped.null_value, 1);
}

TEST_F(AggregateNodes, ACachedAggregateForwardsOncePerPassUnderItsLastWritesHeaders) {
  Store(true);
  StreamAggregateNode<String, String, String> node("a", "s", Start, Concat, false);
  Ready(node);
  Headers headers;
  headers.Add("h", "1");
  Feed(node, "k", "x", 5);
  Feed(node, "l", "x", 6);
  task_.record.headers = &headers;
  Feed(node, "k", "y", 7, &headers);
  EXPECT_THAT(out_.Take(), IsEmpty());
  task_.ForwardDirty();
  EXPECT_THAT(out_.Take(), ElementsAre("l=x@6", "k=xy@7[h]"));
}

TEST_F(AggregateNodes, ReduceTakesTheFirstValueAsItIsAndMayDelete) {
  Store(false);
  StreamReduceNode<String, String> node(
      "r", "s", [](const String& a, const String& b) { return b == "delete" ? std::nullopt : std::optional<String>(a + b); },
      true);
  Ready(node);
  Feed(node, "k", "delete", 5);
  Feed(node, "k", "x", 3);
  Feed(node, "k", "delete", 4);
  Feed(node, "k", "y", 1);
  Feed(node, "k", std::nullopt, 1);
  EXPECT_THAT(out_.Take(), ElementsAre("k=delete@5", "k=deletex(delete)@5", "k=null(deletex)@5", "k=y@1"));
  EXPECT_EQ(task_.dropped.null_value, 1);
}

class WindowAggregates : public testing::Test {
 protected:
  using Node = WindowAggregateNode<String, String, String>;
  Node& Make(TimeWindows windows, bool send_old_values = false) {
    WindowStoreOptions options;
    options.store = Options("s");
    options.window_size = windows.size();
    options.retention = milliseconds(1000);
    task_.AddStore(TimestampedWindowStoreBuilder<String, String>(options));
    node_ = std::make_unique<Node>("w", "s", windows, Start, Concat, send_old_values);
    Connect(node_.get(), &out_);
    EXPECT_EQ(node_->Init(&task_), absl::OkStatus());
    return *node_;
  }
  FakeTaskContext task_;
  Collector<Windowed<String>, Change<String>> out_;
  std::unique_ptr<Node> node_;
};

TEST_F(WindowAggregates, AWindowHoldsItsStartAndNotItsEnd) {
  Node& node = Make(TimeWindows::OfSizeAndGrace(milliseconds(10), milliseconds(100)));
  Feed(node, "k", "a", 10);
  Feed(node, "k", "b", 19);
  Feed(node, "k", "c", 20);
  Feed(node, "k", "d", 9);
  EXPECT_THAT(out_.Take(), ElementsAre("k[10,20)=a@10", "k[10,20)=ab@19", "k[20,30)=c@20", "k[0,10)=d@9"));
}

TEST_F(WindowAggregates, AHoppingRecordIsInEveryWindowThatHoldsItEarliestFirst) {
  Node& node = Make(TimeWindows::OfSizeAndGrace(milliseconds(10), milliseconds(100)).AdvanceBy(milliseconds(4)));
  Feed(node, "k", "a", 3);
  Feed(node, "k", "b", 13);
  EXPECT_THAT(out_.Take(), ElementsAre("k[0,10)=a@3", "k[4,14)=b@13", "k[8,18)=b@13", "k[12,22)=b@13"));
}

TEST_F(WindowAggregates, AWindowClosesWhenStreamTimeReachesItsEndPlusGrace) {
  Node& node = Make(TimeWindows::OfSizeAndGrace(milliseconds(10), milliseconds(5)));
  Feed(node, "k", "a", 1);
  Feed(node, "x", "b", 14);
  Feed(node, "k", "c", 2);
  Feed(node, "x", "d", 15);
  Feed(node, "k", "e", 3);
  EXPECT_THAT(out_.Take(), ElementsAre("k[0,10)=a@1", "x[10,20)=b@14", "k[0,10)=ac@2", "x[10,20)=bd@15"));
  EXPECT_EQ(task_.dropped.late, 1);
}

TEST_F(WindowAggregates, ALateHoppingRecordStillCountsInItsOpenWindows) {
  Node& node = Make(TimeWindows::OfSizeWithNoGrace(milliseconds(10)).AdvanceBy(milliseconds(5)));
  Feed(node, "k", "a", 12);
  Feed(node, "k", "b", 7);
  EXPECT_THAT(out_.Take(), ElementsAre("k[5,15)=a@12", "k[10,20)=a@12", "k[5,15)=ab@12"));
  EXPECT_EQ(task_.dropped.late, 1);
}

TEST_F(WindowAggregates, NullKeysAreDroppedAndNullValuesAggregated) {
  Node& node = Make(TimeWindows::OfSizeWithNoGrace(milliseconds(10)), true);
  Feed(node, std::nullopt, "a", 50);
  Feed(node, "k", std::nullopt, 5);
  Feed(node, "k", "b", 6);
  Feed(node, "k", "delete", 7);
  EXPECT_THAT(out_.Take(), ElementsAre("k[0,10)=-()@5", "k[0,10)=-b(-)@6", "k[0,10)=null(-b)@7"));
  EXPECT_EQ(task_.dropped.null_key, 1);
}

TEST(TimeWindowsTest, FirstStartIsNeverNegative) {
  const TimeWindows windows = TimeWindows::OfSizeWithNoGrace(milliseconds(10)).AdvanceBy(milliseconds(3));
  EXPECT_EQ(windows.FirstStart(At(0)), At(0));
  EXPECT_EQ(windows.FirstStart(At(9)), At(0));
  EXPECT_EQ(windows.FirstStart(At(10)), At(3));
  EXPECT_EQ(windows.FirstStart(At(11)), At(3));
  EXPECT_EQ(windows.FirstStart(At(13)), At(6));
}

TEST(TimeWindowsTest, AnAdvanceBeyondTheSizeIsInvalid) {
  const TimeWindows windows = TimeWindows::OfSizeWithNoGrace(milliseconds(10));
  EXPECT_TRUE(windows.valid());
  EXPECT_FALSE(windows.AdvanceBy(milliseconds(11)).valid());
  EXPECT_FALSE(windows.AdvanceBy(milliseconds(0)).valid());
  EXPECT_FALSE(TimeWindows::OfSizeAndGrace(milliseconds(10), milliseconds(-1)).valid());
}

}  // namespace
}  // namespace millrace::operators_test
