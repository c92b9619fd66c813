#include "millrace/operators/internal/join_nodes.h"

#include "fake_task_context.h"

namespace millrace::operators_test {
namespace {

using internal::JoinWindowPutNode;
using internal::StreamJoinSide;
using internal::StreamStreamJoinNode;
using internal::StreamTableJoinNode;
using std::chrono::milliseconds;
using String = std::string;
using testing::ElementsAre;
using testing::IsEmpty;

std::optional<String> LeftAndRight(const String*, const String* left, const String* right) {
  return Text(left) + "+" + Text(right);
}
/// Both sides of a join over real stores.
class StreamJoin {
 public:
  StreamJoin(FakeTaskContext& task, JoinWindows windows, bool left_outer, bool right_outer)
      : put_left_("lw", "L"),
        put_right_("rw", "R"),
        left_("l", Side("R", windows, left_outer, left_outer || right_outer), LeftAndRight),
        right_("r", Side("L", windows, right_outer, left_outer || right_outer), LeftAndRight) {
    for (const char* name : {"L", "R"}) {
      WindowStoreOptions options;
      options.store = Options(name);
      options.window_size = windows.size();
      options.retention = windows.size() + windows.grace();
      options.retain_duplicates = true;
      task.AddStore(WindowStoreBuilder<String, String>(options));
    }
    if (left_outer || right_outer) task.AddStore(OuterJoinStoreBuilder<String, String, String>(Options("O")));
    Connect(&put_left_, &left_);
    Connect(&put_right_, &right_);
    Connect(&left_, &out_);
    Connect(&right_, &out_);
    for (ProcessorNode* node : std::initializer_list<ProcessorNode*>{&put_left_, &put_right_, &left_, &right_}) {
      EXPECT_EQ(node->Init(&task), absl::OkStatus());
    }
  }
  void Left(std::optional<String> key, std::optional<String> value, int64_t time, const Headers* h = &Headers::Empty()) {
    Feed(put_left_, std::move(key), std::move(value), time, h);
  }
  void Right(std::optional<String> key, std::optional<String> value, int64_t time, const Headers* h = &Headers::Empty()) {
    Feed(put_right_, std::move(key), std::move(value), time, h);
  }
  Strings Take() { return out_.Take(); }
  void Restart(FakeTaskContext& task) {
    left_.Close();
    right_.Close();
    EXPECT_THAT(task.shared, IsEmpty());
    EXPECT_EQ(left_.Init(&task), absl::OkStatus());
    EXPECT_EQ(right_.Init(&task), absl::OkStatus());
  }

 private:
  static StreamJoinSide Side(String other, JoinWindows windows, bool outer, bool has_outer_store) {
    return {std::move(other), has_outer_store ? "O" : "", "join", windows, outer};
  }
  JoinWindowPutNode<String, String> put_left_;
  JoinWindowPutNode<String, String> put_right_;
  StreamStreamJoinNode<String, String, String, String, true> left_;
  StreamStreamJoinNode<String, String, String, String, false> right_;
  Collector<String, String> out_;
};

JoinWindows Within(int64_t difference, int64_t grace) {
  return JoinWindows::OfTimeDifferenceAndGrace(milliseconds(difference), milliseconds(grace));
}

TEST(StreamStreamJoin, JoinsUpToTheEdgeOfTheWindowWithTheLaterTimestamp) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 100), false, false);
  join.Left("k", "a", 20);
  join.Right("k", "x", 10);
  join.Right("k", "y", 30);
  join.Right("k", "no", 9);
  join.Right("k", "no", 31);
  join.Right("other", "no", 20);
  EXPECT_THAT(join.Take(), ElementsAre("k=a+x@20", "k=a+y@30"));
}

TEST(StreamStreamJoin, BeforeAndAfterAreSeenFromTheLeft) {
  FakeTaskContext task;
  // The right side may come up to 10 ms later, never earlier.
  StreamJoin join(task, Within(10, 100).Before(milliseconds(0)), false, false);
  join.Right("k", "early", 19);
  join.Left("k", "a", 20);
  join.Right("k", "x", 30);
  join.Right("k", "no", 31);
  join.Left("k", "b", 19);
  EXPECT_THAT(join.Take(), ElementsAre("k=a+x@30", "k=b+early@19"));
}

TEST(StreamStreamJoin, DuplicatesEachJoinInOrderOfTime) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 100), false, false);
  join.Left("k", "b", 2);
  join.Left("k", "c", 2);
  join.Left("k", "a", 1);
  Headers headers;
  headers.Add("h", "1");
  join.Right("k", "x", 3, &headers);
  EXPECT_THAT(join.Take(), ElementsAre("k=a+x@3[h]", "k=b+x@3[h]", "k=c+x@3[h]"));
}

TEST(StreamStreamJoin, AnInnerJoinDropsNullsAndCountsThem) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 100), false, false);
  join.Left(std::nullopt, "a", 1);
  join.Left("k", std::nullopt, 1);
  join.Right("k", "x", 1);
  EXPECT_THAT(join.Take(), IsEmpty());
  EXPECT_EQ(task.dropped.null_key, 1);
  EXPECT_EQ(task.dropped.null_value, 1);
}

TEST(StreamStreamJoin, ALeftJoinEmitsAnUnmatchedRecordOnceItsWindowAndGraceAreOver) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 5), true, false);
  Headers headers;
  headers.Add("h", "1");
  join.Left("k", "a", 0);
  join.Right("x", "1", 15);
  EXPECT_THAT(join.Take(), IsEmpty());
  join.Right("x", "2", 16, &headers);
  EXPECT_THAT(join.Take(), ElementsAre("k=a+null@0[h]"));
  join.Right("x", "3", 100);
  EXPECT_THAT(join.Take(), IsEmpty());
}

TEST(StreamStreamJoin, AMatchedRecordIsNotEmittedAgain) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 5), true, true);
  join.Left("k", "a", 0);
  join.Right("k", "x", 4);
  join.Right("l", "y", 5);
  join.Left("l", "b", 6);
  EXPECT_THAT(join.Take(), ElementsAre("k=a+x@4", "l=b+y@6"));
  join.Right("z", "z", 100);
  EXPECT_THAT(join.Take(), IsEmpty());
}

TEST(StreamStreamJoin, AnOuterJoinEmitsBothSidesInOrderOfTimeAndAllValuesOfAKey) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 0), true, true);
  join.Right("k", "x", 2);
  join.Left("l", "a", 1);
  join.Left("l", "b", 1);
  join.Left("m", "c", 30);
  EXPECT_THAT(join.Take(), ElementsAre("l=a+null@1", "l=b+null@1", "k=null+x@2"));
}

TEST(StreamStreamJoin, TheRightSideWaitsForTheBeforeOfTheWindow) {
  FakeTaskContext task;
  StreamJoin join(task, Within(0, 0).Before(milliseconds(5)).After(milliseconds(20)), true, true);
  join.Left("l", "a", 10);
  join.Right("r", "x", 10);
  // Left waits until 10 + 20, right until 10 + 5.
  join.Right("z", "1", 16);
  EXPECT_THAT(join.Take(), ElementsAre("r=null+x@10"));
  join.Right("z", "2", 31);
  EXPECT_THAT(join.Take(), ElementsAre("l=a+null@10", "z=null+1@16"));
}

TEST(StreamStreamJoin, ALateUnmatchedRecordIsEmittedAtOnce) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 100), true, true);
  join.Right("x", "1", 50);
  join.Left("k", "a", 39);
  EXPECT_THAT(join.Take(), ElementsAre("k=a+null@39"));
  join.Left("k", "b", 40);
  EXPECT_THAT(join.Take(), IsEmpty());
}

TEST(StreamStreamJoin, ANullKeyOnAnOuterSideIsEmittedAtOnceANullValueDropped) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 5), true, false);
  join.Left(std::nullopt, "a", 3);
  join.Left("k", std::nullopt, 3);
  join.Left(std::nullopt, std::nullopt, 3);
  join.Right(std::nullopt, "x", 3);
  EXPECT_THAT(join.Take(), ElementsAre("null=a+null@3"));
  EXPECT_EQ(task.dropped.null_key, 2);
  EXPECT_EQ(task.dropped.null_value, 1);
}

TEST(StreamStreamJoin, UnmatchedRecordsAreEmittedAtMostOncePerEmitInterval) {
  FakeTaskContext task;
  task.emit_interval = milliseconds(1000);
  StreamJoin join(task, Within(10, 0), true, false);
  join.Left("k", "a", 0);
  join.Left("x", "1", 20);
  // The look at the first record started the interval.
  EXPECT_THAT(join.Take(), IsEmpty());
  task.now = At(1000);
  join.Left("x", "2", 21);
  EXPECT_THAT(join.Take(), ElementsAre("k=a+null@0"));
}

TEST(StreamStreamJoin, OutOfOrderRecordsDoNotTriggerEmission) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 100), true, false);
  join.Left("k", "a", 0);
  join.Right("x", "1", 200);
  EXPECT_THAT(join.Take(), ElementsAre("k=a+null@0"));
  join.Left("l", "b", 195);
  join.Left("m", "c", 196);
  EXPECT_THAT(join.Take(), IsEmpty());
}

TEST(StreamStreamJoin, WhatWaitedBeforeARestartIsEmitted) {
  FakeTaskContext task;
  StreamJoin join(task, Within(0, 0), true, false);
  auto* waiting = dynamic_cast<OuterJoinStore<String, String, String>*>(task.FindStore("O"));
  ASSERT_NE(waiting, nullptr);
  waiting->PutLeft("k", At(0), "a");
  join.Restart(task);
  join.Right("x", "1", 1);
  EXPECT_THAT(join.Take(), ElementsAre("k=a+null@0"));
}

TEST(StreamStreamJoin, APartnerRemovesAWaitingRecordWithOneTombstone) {
  FakeTaskContext task;
  StreamJoin join(task, Within(10, 5), true, false);
  join.Left("k", "a", 0);
  join.Right("k", "x", 1);
  join.Right("k", "y", 2);
  EXPECT_EQ(task.changelog.deletes, 1);
  EXPECT_EQ(task.changelog.puts, 4);
}

class StreamTableJoin : public testing::Test {
 protected:
  using Node = StreamTableJoinNode<String, String, String, String>;
  Node& Make(bool left) {
    task_.AddStore(TimestampedKeyValueStoreBuilder<String, String>(Options("t")));
    auto* table = dynamic_cast<TimestampedKeyValueStore<String, String>*>(task_.FindStore("t"));
    EXPECT_TRUE(table->Put("k", String("row"), At(100)));
    node_ = std::make_unique<Node>("j", "t", LeftAndRight, left);
    Connect(node_.get(), &out_);
    EXPECT_EQ(node_->Init(&task_), absl::OkStatus());
    return *node_;
  }
  FakeTaskContext task_;
  Collector<String, String> out_;
  std::unique_ptr<Node> node_;
};

TEST_F(StreamTableJoin, AnInnerJoinGivesTheStreamsTimestampAndDropsTheRest) {
  Node& node = Make(false);
  Feed(node, "k", "a", 1);
  Feed(node, "none", "b", 2);
  Feed(node, std::nullopt, "c", 3);
  Feed(node, "k", std::nullopt, 4);
  EXPECT_THAT(out_.Take(), ElementsAre("k=a+row@1"));
  EXPECT_EQ(task_.dropped.null_key, 1);
  EXPECT_EQ(task_.dropped.null_value, 1);
}

TEST_F(StreamTableJoin, ALeftJoinKeepsRecordsWithoutRowAndNullKeys) {
  Node& node = Make(true);
  Feed(node, "none", "b", 2);
  Feed(node, std::nullopt, "c", 3);
  Feed(node, "k", std::nullopt, 4);
  EXPECT_THAT(out_.Take(), ElementsAre("none=b+null@2", "null=c+null@3"));
  EXPECT_EQ(task_.dropped.null_value, 1);
}

}  // namespace
}  // namespace millrace::operators_test
