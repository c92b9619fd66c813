#ifndef MILLRACE_OPERATORS_PROCESSOR_NODE_H_
#define MILLRACE_OPERATORS_PROCESSOR_NODE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "millrace/operators/record.h"
#include "millrace/operators/task_context.h"

namespace millrace {

/// A node of a running task's graph. Made anew from the topology's suppliers for every task, and again whenever the task is
/// thrown away. Follows Kafka's `ProcessorNode`.
class ProcessorNode {
 public:
  explicit ProcessorNode(std::string name) : name_(std::move(name)) {}
  virtual ~ProcessorNode() = default;
  ProcessorNode(const ProcessorNode&) = delete;
  ProcessorNode& operator=(const ProcessorNode&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Links a child downstream; an error says which types do not meet. Called before Init, in order of declaration.
  [[nodiscard]] virtual absl::Status AddChild(ProcessorNode* child) = 0;
  /// Called once, after the stores are open and restored.
  [[nodiscard]] virtual absl::Status Init(TaskContext* context) = 0;
  virtual void Close() {}

 private:
  std::string name_;
};

/// The input side of a node. Not to be deleted as such.
template <class K, class V>
class Receiver {
 public:
  virtual void Process(const Record<K, V>& record) = 0;

 protected:
  ~Receiver() = default;
};

/// What a Forwarder does that needs no types.
class ForwarderBase {
 public:
  void Init(TaskContext* context) { context_ = context; }
  [[nodiscard]] bool empty() const { return children_.empty(); }
  [[nodiscard]] size_t size() const { return children_.size(); }

 protected:
  struct Child {
    ProcessorNode* node;
    void* receiver;  // the child's Receiver of the forwarder's types
  };
  /// Sets the record in flight around a forward.
  struct Scope {
    Scope(TaskContext* context, Timestamp timestamp, const Headers* headers) : record(context->record), saved(record) {
      record.timestamp = timestamp;
      record.headers = headers;
    }
    ~Scope() { record = saved; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    RecordContext& record;
    RecordContext saved;
  };

  /// An error if `receiver` is null: the child takes other types.
  absl::Status AddChild(std::string_view parent, ProcessorNode* child, void* receiver);
  /// Null, and the task has failed, if there is no child of that name.
  [[nodiscard]] const Child* FindChild(std::string_view name) const;
  [[nodiscard]] const std::vector<Child>& children() const { return children_; }
  [[nodiscard]] TaskContext* context() const { return context_; }

 private:
  TaskContext* context_ = nullptr;
  std::vector<Child> children_;
};

/// The output side of a node: the typed children, and the record context around a forward.
template <class K, class V>
class Forwarder : public ForwarderBase {
 public:
  absl::Status Add(std::string_view parent, ProcessorNode* child) {
    return AddChild(parent, child, dynamic_cast<Receiver<K, V>*>(child));
  }

  /// To all children, in order.
  void Forward(const Record<K, V>& record) const {
    const Scope scope(context(), record.timestamp, record.headers);
    for (const Child& child : children()) Give(child, record);
  }
  /// To the child of that name only; an unknown name fails the task.
  void Forward(const Record<K, V>& record, std::string_view child_name) const {
    const Scope scope(context(), record.timestamp, record.headers);
    if (const Child* child = FindChild(child_name)) Give(*child, record);
  }
  /// To the i-th child only.
  void ForwardTo(size_t i, const Record<K, V>& record) const {
    const Scope scope(context(), record.timestamp, record.headers);
    Give(children()[i], record);
  }

 private:
  // The innermost node that lets an exception out is the one that is asked about.
  void Give(const Child& child, const Record<K, V>& record) const {
    try {
      static_cast<Receiver<K, V>*>(child.receiver)->Process(record);
    } catch (...) {
      if (!context()->OnException(*child.node)) throw;
    }
  }
};

/// A node with typed output; what most operators derive from.
template <class KOut, class VOut>
class ForwardingNode : public ProcessorNode {
 public:
  using ProcessorNode::ProcessorNode;
  [[nodiscard]] absl::Status AddChild(ProcessorNode* child) override { return out_.Add(name(), child); }
  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    context_ = context;
    out_.Init(context);
    return absl::OkStatus();
  }

 protected:
  [[nodiscard]] TaskContext* context() const { return context_; }
  [[nodiscard]] const Forwarder<KOut, VOut>& out() const { return out_; }

 private:
  TaskContext* context_ = nullptr;
  Forwarder<KOut, VOut> out_;
};

/// A source record as fetched: bytes, timestamp as the broker gives it, and where it came from.
struct RawRecord {
  NullableBytesView key;
  NullableBytesView value;
  Timestamp timestamp;
  const Headers* headers = &Headers::Empty();
  const std::string* topic = nullptr;
  int32_t partition = -1;
  int64_t offset = -1;
};

/// A source node as the task sees it. The task asks for the record's timestamp when it becomes the head of its queue, and pushes
/// it when its turn comes; both deserialise once (the node keeps the head's key and value between the two calls only for the last
/// record asked).
class SourceNode : public ProcessorNode {
 public:
  using ProcessorNode::ProcessorNode;
  /// The extractor's answer; negative = drop this record (counted). An error is a record that does not parse.
  [[nodiscard]] virtual absl::StatusOr<Timestamp> ExtractTimestamp(const RawRecord& record, Timestamp partition_time) = 0;
  /// Sets the record context and forwards. An error is a record that does not parse: nothing was forwarded then.
  [[nodiscard]] virtual absl::Status Push(const RawRecord& record, Timestamp timestamp) = 0;
};

}  // namespace millrace

#endif  // MILLRACE_OPERATORS_PROCESSOR_NODE_H_
