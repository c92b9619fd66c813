#include "millrace/operators/internal/processor_nodes.h"

#include "fake_task_context.h"

namespace millrace::operators_test {
namespace {

using internal::FixedKeyProcessNode;
using internal::ProcessNode;
using String = std::string;
using testing::ElementsAre;

/// Stores each value, forwards it to a named child, and forwards a tick at each punctuation.
class Storing : public Processor<String, String> {
 public:
  explicit Storing(bool* closed) : closed_(closed) {}
  void Init(ProcessorContext<String, String>& context) override {
    Processor::Init(context);
    store_ = context.GetStateStore<KeyValueStore<String, String>>("s");
    EXPECT_EQ((context.GetStateStore<KeyValueStore<String, int64_t>>("s")), nullptr);
    context.Schedule(std::chrono::milliseconds(5), PunctuationType::kWallClockTime, [this](Timestamp now) {
      const String key = "tick";
      const String* value = store_->Get("a");
      this->context().Forward({&key, value, now});
    });
  }
  void Process(const Record<String, String>& record) override {
    store_->Put(*record.key, *record.value);
    context().Forward(record, *record.value);
    context().Commit();
  }
  void Close() override { *closed_ = true; }

 private:
  bool* closed_;
  KeyValueStore<String, String>* store_ = nullptr;
};

TEST(ProcessorNodes, AProcessorHasStoresChildrenPunctuationAndCommit) {
  FakeTaskContext task;
  task.AddStore(KeyValueStoreBuilder<String, String>(Options("s")));
  bool closed = false;
  ProcessNode<String, String, String, String> node("p", [&] { return std::make_unique<Storing>(&closed); });
  Collector<String, String> one("one");
  Collector<String, String> two("two");
  Connect(&node, &one);
  Connect(&node, &two);
  ASSERT_EQ(node.Init(&task), absl::OkStatus());
  Feed(node, "a", "two", 3);
  task.punctuators.at(0)(At(9));
  EXPECT_THAT(one.Take(), ElementsAre("tick=two@9"));
  EXPECT_THAT(two.Take(), ElementsAre("a=two@3", "tick=two@9"));
  EXPECT_EQ(task.commits, 1);
  EXPECT_TRUE(task.error.ok());
  Feed(node, "a", "three", 4);
  EXPECT_EQ(task.error.status().message(), "no child node three");
  node.Close();
  EXPECT_TRUE(closed);
}

class Doubling : public FixedKeyProcessor<String, String> {
 public:
  void Process(const Record<String, String>& record) override {
    const String twice = *record.value + *record.value;
    context().Forward(record, &twice);
    context().Forward(record, nullptr, record.timestamp + std::chrono::milliseconds(1), &Headers::Empty());
  }
};

TEST(ProcessorNodes, AFixedKeyProcessorForwardsUnderTheInputsKey) {
  FakeTaskContext task;
  FixedKeyProcessNode<String, String, String> node("p", [] { return std::make_unique<Doubling>(); });
  Collector<String, String> out;
  Connect(&node, &out);
  ASSERT_EQ(node.Init(&task), absl::OkStatus());
  Headers headers;
  headers.Add("h", "1");
  Feed(node, "a", "x", 3, &headers);
  EXPECT_THAT(out.Take(), ElementsAre("a=xx@3[h]", "a=null@4"));
}

TEST(ProcessorNodes, ASupplierThatMakesNothingIsAnErrorOfInit) {
  FakeTaskContext task;
  ProcessNode<String, String, String, String> node("p", [] { return nullptr; });
  EXPECT_EQ(node.Init(&task).message(), "the supplier of processor p made none");
}

}  // namespace
}  // namespace millrace::operators_test
