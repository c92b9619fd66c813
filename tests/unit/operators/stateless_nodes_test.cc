#include "millrace/operators/internal/stateless_nodes.h"

#include <stdexcept>

#include "fake_task_context.h"

namespace millrace::operators_test {
namespace {

using internal::BranchNode;
using internal::FilterNode;
using internal::FlatMapNode;
using internal::FlatMapValuesNode;
using internal::MapNode;
using internal::MapValuesNode;
using internal::PassThroughNode;
using internal::PeekNode;
using internal::SelectKeyNode;
using String = std::string;
using testing::ElementsAre;
using testing::IsEmpty;

Headers OneHeader() {
  Headers headers;
  headers.Add("h", "1");
  return headers;
}

class StatelessNodes : public testing::Test {
 protected:
  template <class Node>
  Node& Ready(Node& node) {
    Connect(&node, &out_);
    EXPECT_EQ(node.Init(&task_), absl::OkStatus());
    return node;
  }
  FakeTaskContext task_;
  Collector<String, String> out_;
  const Headers headers_ = OneHeader();
};

TEST_F(StatelessNodes, FilterForwardsTheRecordAsItIs) {
  FilterNode<String, String> node("f", [](const String*, const String* v) { return v == nullptr || *v == "yes"; });
  Ready(node);
  Feed(node, "a", "yes", 1, &headers_);
  Feed(node, "b", "no", 2);
  Feed(node, std::nullopt, std::nullopt, 3);
  EXPECT_THAT(out_.Take(), ElementsAre("a=yes@1[h]", "null=null@3"));
}

TEST_F(StatelessNodes, MappersChangeKeyOrValueAndKeepTimestampAndHeaders) {
  MapValuesNode<String, String, String> values(
      "v", [](const String*, const String* v) { return v ? std::optional<String>(*v + "!") : std::nullopt; });
  Ready(values);
  Feed(values, "a", "x", 1, &headers_);
  Feed(values, "a", std::nullopt, 2);
  SelectKeyNode<String, String, String> keys(
      "k", [](const String*, const String* v) { return v ? std::optional<String>(*v) : std::nullopt; });
  Ready(keys);
  Feed(keys, "a", "x", 3, &headers_);
  Feed(keys, "a", std::nullopt, 4);
  MapNode<String, String, String, String> both(
      "b", [](const String* k, const String* v) { return std::pair<std::optional<String>, std::optional<String>>(*v, *k); });
  Ready(both);
  Feed(both, "a", "x", 5, &headers_);
  EXPECT_THAT(out_.Take(), ElementsAre("a=x!@1[h]", "a=null@2", "x=x@3[h]", "null=null@4", "x=a@5[h]"));
}

TEST_F(StatelessNodes, FlatMappersForwardEachResultInOrder) {
  FlatMapValuesNode<String, String, String> values("v", [](const String*, const String* v) {
    return std::vector<std::optional<String>>{*v + "1", std::nullopt, *v + "2"};
  });
  Ready(values);
  Feed(values, "a", "x", 1, &headers_);
  FlatMapNode<String, String, String, String> both("b", [](const String* k, const String* v) {
    return std::vector<FlatMapNode<String, String, String, String>::Pair>{{*v, *k}, {std::nullopt, *v}};
  });
  Ready(both);
  Feed(both, "a", "x", 2);
  EXPECT_THAT(out_.Take(), ElementsAre("a=x1@1[h]", "a=null@1[h]", "a=x2@1[h]", "x=a@2", "null=x@2"));
}

TEST_F(StatelessNodes, PeekSeesTheRecordBeforeItsChildren) {
  Strings order;
  PeekNode<String, String> first("first", [&](const String* k, const String*) { order.push_back("first " + *k); });
  PeekNode<String, String> second("second", [&](const String* k, const String*) { order.push_back("second " + *k); });
  Connect(&first, &second);
  EXPECT_EQ(first.Init(&task_), absl::OkStatus());
  EXPECT_EQ(second.Init(&task_), absl::OkStatus());
  Feed(first, "a", "x", 1);
  EXPECT_THAT(order, ElementsAre("first a", "second a"));
}

TEST_F(StatelessNodes, BranchTakesTheFirstPredicateThatHolds) {
  const auto starts = [](char c) { return [c](const String*, const String* v) { return v != nullptr && v->front() == c; }; };
  BranchNode<String, String> node("b", {starts('x'), [](const String*, const String* v) { return v != nullptr; }}, true);
  Collector<String, String> rest("rest");
  Collector<String, String> other("other");
  Ready(node);
  Connect(&node, &rest);
  Connect(&node, &other);
  Feed(node, "a", "x", 1);
  Feed(node, "b", "y", 2);
  Feed(node, "c", std::nullopt, 3);
  EXPECT_THAT(out_.Take(), ElementsAre("a=x@1"));
  EXPECT_THAT(rest.Take(), ElementsAre("b=y@2"));
  EXPECT_THAT(other.Take(), ElementsAre("c=null@3"));
}

TEST_F(StatelessNodes, BranchWithoutDefaultDropsWhatNoPredicateTakes) {
  BranchNode<String, String> node("b", {[](const String*, const String*) { return false; }}, false);
  Ready(node);
  Feed(node, "a", "x", 1);
  EXPECT_THAT(out_.Take(), IsEmpty());
}

TEST_F(StatelessNodes, AForwardSetsTheRecordContextAndPutsItBack) {
  PassThroughNode<String, String> node("p");
  PeekNode<String, String> probe("probe", [&](const String*, const String*) { EXPECT_EQ(task_.record.timestamp, At(7)); });
  Connect(&node, &probe);
  EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  EXPECT_EQ(probe.Init(&task_), absl::OkStatus());
  task_.record.timestamp = At(1);
  Feed(node, "a", "x", 7);
  EXPECT_EQ(task_.record.timestamp, At(1));
}

TEST_F(StatelessNodes, AChildOfAnotherTypeIsRefusedByName) {
  PassThroughNode<String, int64_t> node("numbers");
  const absl::Status status = node.AddChild(&out_);
  EXPECT_EQ(status.message(), "node collector does not take what node numbers forwards");
}

TEST_F(StatelessNodes, AnExceptionIsAskedAboutAtTheInnermostNodeAndThrownOnIfNothingElseIsSaid) {
  MapValuesNode<String, String, String> inner("inner", [](const String*, const String* v) -> std::optional<String> {
    if (*v == "bad") throw std::runtime_error("no");
    return *v;
  });
  Ready(inner);
  MapValuesNode<String, String, String> outer("outer", [](const String*, const String* v) { return std::optional<String>(*v); });
  ASSERT_EQ(outer.AddChild(&inner), absl::OkStatus());
  ASSERT_EQ(outer.AddChild(&out_), absl::OkStatus());
  ASSERT_EQ(outer.Init(&task_), absl::OkStatus());
  EXPECT_THROW(Feed(outer, "a", "bad", 1), std::runtime_error);
  EXPECT_THAT(out_.Take(), IsEmpty());
  task_.leave_out = true;
  Feed(outer, "a", "bad", 2);
  EXPECT_THAT(out_.Take(), ElementsAre("a=bad@2")) << "the other child gets it";
  EXPECT_THAT(task_.thrown_by, ElementsAre("inner", "inner"));
}

}  // namespace
}  // namespace millrace::operators_test
