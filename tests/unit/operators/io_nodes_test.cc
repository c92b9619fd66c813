#include "millrace/operators/internal/io_nodes.h"

#include <stdexcept>

#include "fake_task_context.h"
#include "millrace/state/murmur2.h"

namespace millrace::operators_test {
namespace {

using internal::SinkNode;
using internal::TypedSourceNode;
using String = std::string;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

/// Counts how often a value is decoded.
struct CountingSerde {
  int* decoded;
  void Serialize(const String& value, Bytes* out) const { out->append(value); }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, String* value) const {
    ++*decoded;
    value->assign(bytes);
    return absl::OkStatus();
  }
  [[nodiscard]] size_t MemoryBytes(const String& value) const { return value.size(); }
};

/// Takes no value.
struct ThrowingSerde {
  void Serialize(const String&, Bytes*) const {}
  [[nodiscard]] absl::Status Deserialize(BytesView, String*) const { throw std::runtime_error("no such format"); }
  [[nodiscard]] size_t MemoryBytes(const String&) const { return 0; }
};

/// Reads "-" as null.
struct DashIsNullSerde {
  void Serialize(const String& value, Bytes* out) const { out->append(value); }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, String* value) const {
    value->assign(bytes);
    return absl::OkStatus();
  }
  [[nodiscard]] absl::StatusOr<bool> DeserializeNullable(BytesView bytes, String* value) const {
    value->assign(bytes);
    return bytes != "-";
  }
  [[nodiscard]] size_t MemoryBytes(const String& value) const { return value.size(); }
};

class IoNodes : public testing::Test {
 protected:
  template <class Node>
  void Ready(Node& node) {
    Connect(&node, &out_);
    EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  }
  RawRecord Raw(NullableBytesView key, NullableBytesView value, int64_t time, int64_t offset) const {
    return {key, value, At(time), &Headers::Empty(), &topic_, 2, offset};
  }
  FakeTaskContext task_;
  Collector<String, String> out_;
  const String topic_ = "in";
};

TEST_F(IoNodes, ASourceDecodesEachRecordOnce) {
  int decoded = 0;
  TypedSourceNode<String, String> node("s", AnySerde<String>(), CountingSerde{&decoded}, nullptr);
  Ready(node);
  const RawRecord record = Raw("k", "v", 5, 10);
  EXPECT_EQ(*node.ExtractTimestamp(record, At(1)), At(5));
  EXPECT_EQ(node.Push(record, At(5)), absl::OkStatus());
  EXPECT_EQ(decoded, 1);
  EXPECT_THAT(out_.Take(), ElementsAre("k=v@5"));
  EXPECT_EQ(task_.record.offset, 10);
  EXPECT_EQ(task_.record.partition, 2);
  EXPECT_EQ(*task_.record.topic, "in");
}

TEST_F(IoNodes, ASourceForwardsTheRecordPushedAlsoWhenAnotherWasAskedSince) {
  TypedSourceNode<String, String> node("s", {}, {}, nullptr);
  Ready(node);
  EXPECT_TRUE(node.ExtractTimestamp(Raw("a", "1", 5, 10), At(1)).ok());
  EXPECT_TRUE(node.ExtractTimestamp(Raw("b", "2", 6, 11), At(1)).ok());
  EXPECT_EQ(node.Push(Raw("a", "1", 5, 10), At(5)), absl::OkStatus());
  EXPECT_THAT(out_.Take(), ElementsAre("a=1@5"));
}

TEST_F(IoNodes, ASourceKeepsNullKeysAndValuesNull) {
  TypedSourceNode<String, String> node("s", {}, {}, nullptr);
  Ready(node);
  EXPECT_EQ(node.Push(Raw("k", "v", 1, 0), At(1)), absl::OkStatus());
  EXPECT_EQ(node.Push(Raw(std::nullopt, std::nullopt, 2, 1), At(2)), absl::OkStatus());
  EXPECT_EQ(node.Push(Raw("", "", 3, 2), At(3)), absl::OkStatus());
  EXPECT_THAT(out_.Take(), ElementsAre("k=v@1", "null=null@2", "=@3"));
}

TEST_F(IoNodes, BytesThatMeanNullAreNull) {
  TypedSourceNode<String, String> node("s", DashIsNullSerde{}, DashIsNullSerde{}, nullptr);
  Ready(node);
  EXPECT_TRUE(node.ExtractTimestamp(Raw("k", "-", 1, 0), At(1)).ok());
  EXPECT_EQ(node.Push(Raw("k", "-", 1, 0), At(1)), absl::OkStatus());
  EXPECT_EQ(node.Push(Raw("-", "v", 2, 1), At(2)), absl::OkStatus());
  EXPECT_THAT(out_.Take(), ElementsAre("k=null@1", "null=v@2"));
}

TEST_F(IoNodes, ASerdeThatThrowsDidNotParseTheRecord) {
  TypedSourceNode<String, String> node("s", {}, ThrowingSerde{}, nullptr);
  Ready(node);
  const absl::Status status = node.ExtractTimestamp(Raw("k", "v", 1, 0), At(1)).status();
  EXPECT_EQ(status, absl::InvalidArgumentError("the value does not parse: its serde threw: no such format"));
  EXPECT_THAT(out_.Take(), IsEmpty());
}

TEST_F(IoNodes, AnExtractorSeesTheRecordAndThePartitionTime) {
  TypedSourceNode<String, String> node("s", {}, {}, [](const Record<String, String>& record, Timestamp partition_time) {
    EXPECT_EQ(record.timestamp, At(5));
    return partition_time + std::chrono::milliseconds(record.value->size());
  });
  Ready(node);
  EXPECT_EQ(*node.ExtractTimestamp(Raw("k", "abc", 5, 0), At(100)), At(103));
}

TEST_F(IoNodes, ARecordThatDoesNotParseNamesItsPartAndReason) {
  TypedSourceNode<int64_t, int64_t> node("s", {}, {}, nullptr);
  EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  EXPECT_THAT(String(node.ExtractTimestamp(Raw("short", std::nullopt, 1, 0), At(0)).status().message()),
              StartsWith("the key does not parse: "));
  EXPECT_THAT(String(node.Push(Raw(std::nullopt, "short", 1, 1), At(0)).message()), StartsWith("the value does not parse: "));
}

TEST_F(IoNodes, ASinkSendsNullsAndLeavesThePartitionToTheOutput) {
  SinkNode<String, String> node("t", "out", {}, {});
  EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  Headers headers;
  headers.Add("h", "1");
  Feed(node, "k", "v", 1, &headers);
  Feed(node, std::nullopt, "v", 2);
  Feed(node, "k", std::nullopt, 3);
  EXPECT_THAT(task_.sent.lines, ElementsAre("out/-:k=v@1[h]", "out/-:null=v@2", "out/-:k=null@3"));
}

TEST_F(IoNodes, ASinkAsksItsPartitioner) {
  SinkNode<String, String> node("t", "out", {}, {}, [](const String& topic, const String* k, const String*, int32_t n) {
    EXPECT_EQ(topic, "out");
    return k != nullptr ? std::optional<int32_t>(n - 1) : std::nullopt;
  });
  EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  Feed(node, "k", "v", 1);
  Feed(node, std::nullopt, "v", 2);
  EXPECT_THAT(task_.sent.lines, ElementsAre("out/3:k=v@1", "out/-:null=v@2"));
}

TEST_F(IoNodes, ASinkMayTakeItsTopicFromTheRecord) {
  SinkNode<String, String> node("t", [](const String* k, const String*, const RecordContext&) { return "out-" + *k; }, {}, {});
  EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  Feed(node, "a", "v", 1);
  Feed(node, "b", "v", 2);
  EXPECT_THAT(task_.sent.lines, ElementsAre("out-a/-:a=v@1", "out-b/-:b=v@2"));
}

TEST_F(IoNodes, AWindowedKeyGoesWhereItsBaseKeyGoes) {
  const TimeWindowedSerde<String> serde{{}, std::chrono::milliseconds(10)};
  SinkNode<Windowed<String>, String> node("t", "out", serde, {});
  EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  const String value = "v";
  for (const int64_t start : {0, 10, 20, 30}) {
    const Windowed<String> key{"user", {At(start), At(start + 10)}};
    node.Process({&key, &value, At(start)});
  }
  const String expected = "out/" + std::to_string(PartitionForKey("user", 4)) + ":";
  for (const String& line : task_.sent.lines) EXPECT_THAT(line, StartsWith(expected));
  EXPECT_EQ(task_.sent.keys[1]->size(), 4u + 8u);
}

TEST_F(IoNodes, ANegativeTimestampFailsTheTaskInsteadOfBeingSent) {
  SinkNode<String, String> node("t", "out", {}, {});
  EXPECT_EQ(node.Init(&task_), absl::OkStatus());
  Feed(node, "k", "v", -1);
  EXPECT_THAT(task_.sent.lines, IsEmpty());
  EXPECT_THAT(String(task_.error.status().message()), StartsWith("sink t: negative timestamp -1 for topic out"));
}

}  // namespace
}  // namespace millrace::operators_test
