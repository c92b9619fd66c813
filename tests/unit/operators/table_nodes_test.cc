#include "millrace/operators/internal/table_nodes.h"

#include "fake_task_context.h"

namespace millrace::operators_test {
namespace {

using internal::TableFilterNode;
using internal::TableMapValuesNode;
using internal::TableSourceNode;
using internal::TableToStreamNode;
using String = std::string;
using testing::ElementsAre;
using testing::IsEmpty;

class TableNodes : public testing::Test {
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

bool IsGood(const String*, const String* value) { return value->starts_with("good"); }

TEST_F(TableNodes, ATableForwardsOldValuesIfAsked) {
  Store(false);
  TableSourceNode<String, String> node("t", "s", true);
  Ready(node);
  Feed(node, "a", "1", 5);
  Feed(node, "a", "2", 3);
  Feed(node, "a", std::nullopt, 7);
  Feed(node, "a", std::nullopt, 8);
  EXPECT_THAT(out_.Take(), ElementsAre("a=1@5", "a=2(1)@3", "a=null(2)@7", "a=null@8"));
}

TEST_F(TableNodes, ATableForwardsNoOldValuesIfNotAsked) {
  Store(false);
  TableSourceNode<String, String> node("t", "s", false);
  Ready(node);
  Feed(node, "a", "1", 5);
  Feed(node, "a", "2", 6);
  EXPECT_THAT(out_.Take(), ElementsAre("a=1@5", "a=2@6"));
}

TEST_F(TableNodes, ATableDropsNullKeysAndCountsThem) {
  Store(false);
  TableSourceNode<String, String> node("t", "s", false);
  Ready(node);
  Feed(node, std::nullopt, "1", 5);
  EXPECT_THAT(out_.Take(), IsEmpty());
  EXPECT_EQ(task_.dropped.null_key, 1);
}

TEST_F(TableNodes, ATableThatIsNotMaterialisedForwardsEachRecord) {
  TableSourceNode<String, String> node("t", "", false);
  Ready(node);
  Feed(node, "a", "1", 5);
  Feed(node, "a", std::nullopt, 6);
  EXPECT_THAT(out_.Take(), ElementsAre("a=1@5", "a=null@6"));
}

TEST_F(TableNodes, ACachedTableForwardsTheLastValueOfAKeyAgainstTheOneForwardedBefore) {
  Store(true);
  TableSourceNode<String, String> node("t", "s", true);
  Ready(node);
  Feed(node, "a", "1", 5);
  Feed(node, "a", "2", 6);
  EXPECT_THAT(out_.Take(), IsEmpty());
  task_.ForwardDirty();
  EXPECT_THAT(out_.Take(), ElementsAre("a=2@6"));
  Feed(node, "a", "3", 7);
  Feed(node, "a", "4", 8);
  task_.ForwardDirty();
  EXPECT_THAT(out_.Take(), ElementsAre("a=4(2)@8"));
}

TEST_F(TableNodes, AMissingStoreIsAnErrorThatNamesNodeAndStore) {
  TableSourceNode<String, String> node("t", "s", true);
  const absl::Status status = node.Init(&task_);
  EXPECT_EQ(status.message(), "node t: the task has no store s of the type that it needs");
}

TEST_F(TableNodes, AFilterDeletesRowsThatStopPassing) {
  TableFilterNode<String, String> node("f", IsGood, "", true);
  Ready(node);
  FeedChange(node, "a", "good1", std::nullopt, 1);
  FeedChange(node, "a", "bad", "good1", 2);
  FeedChange(node, "a", "bad2", "bad", 3);
  FeedChange(node, "a", "good2", "bad2", 4);
  EXPECT_THAT(out_.Take(), ElementsAre("a=good1@1", "a=null(good1)@2", "a=good2@4"));
}

TEST_F(TableNodes, AFilterWithoutOldValuesForwardsEveryDeletion) {
  TableFilterNode<String, String> node("f", IsGood, "", false);
  Ready(node);
  FeedChange(node, "a", "bad", std::nullopt, 1);
  FeedChange(node, "a", std::nullopt, std::nullopt, 2);
  EXPECT_THAT(out_.Take(), ElementsAre("a=null@1", "a=null@2"));
}

TEST_F(TableNodes, AMaterialisedFilterTakesOldValuesFromItsStore) {
  Store(false);
  TableFilterNode<String, String> node("f", IsGood, "s", true);
  Ready(node);
  FeedChange(node, "a", "good1", std::nullopt, 1);
  FeedChange(node, "a", "bad", std::nullopt, 2);
  FeedChange(node, "a", "bad", std::nullopt, 3);
  EXPECT_THAT(out_.Take(), ElementsAre("a=good1@1", "a=null(good1)@2"));
}

TEST_F(TableNodes, MapValuesMapsNewAndOldValuesAndKeepsDeletions) {
  TableMapValuesNode<String, String, String> node(
      "m", [](const String* k, const String* v) { return std::optional<String>(*k + *v); }, "", true);
  Ready(node);
  FeedChange(node, "a", "1", std::nullopt, 1);
  FeedChange(node, "a", "2", "1", 2);
  FeedChange(node, "a", std::nullopt, "2", 3);
  EXPECT_THAT(out_.Take(), ElementsAre("a=a1@1", "a=a2(a1)@2", "a=null(a2)@3"));
}

TEST_F(TableNodes, MaterialisedMapValuesTakesOldValuesFromItsStore) {
  Store(false);
  TableMapValuesNode<String, String, String> node(
      "m", [](const String*, const String* v) { return *v == "x" ? std::nullopt : std::optional<String>(*v + "!"); }, "s", true);
  Ready(node);
  FeedChange(node, "a", "1", std::nullopt, 1);
  FeedChange(node, "a", "x", std::nullopt, 2);
  EXPECT_THAT(out_.Take(), ElementsAre("a=1!@1", "a=null(1!)@2"));
}

TEST_F(TableNodes, ToStreamForwardsNewValues) {
  TableToStreamNode<String, String> node("s");
  Collector<String, String> stream;
  Connect(&node, &stream);
  EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  FeedChange(node, "a", "2", "1", 4);
  FeedChange(node, "a", std::nullopt, "2", 5);
  EXPECT_THAT(stream.Take(), ElementsAre("a=2@4", "a=null@5"));
}

}  // namespace
}  // namespace millrace::operators_test
