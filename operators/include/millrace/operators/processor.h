#ifndef MILLRACE_OPERATORS_PROCESSOR_H_
#define MILLRACE_OPERATORS_PROCESSOR_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/operators/processor_node.h"
#include "millrace/operators/record.h"
#include "millrace/operators/task_context.h"

namespace millrace {

/// What a user's processor sees of its task. Follows Kafka's `ProcessorContext`. One thread at a time.
template <class KOut, class VOut>
class ProcessorContext {
 public:
  ProcessorContext(TaskContext* task, const Forwarder<KOut, VOut>* out) : task_(task), out_(out) {}

  void Forward(const Record<KOut, VOut>& record) { out_->Forward(record); }
  void Forward(const Record<KOut, VOut>& record, std::string_view child) { out_->Forward(record, child); }

  /// The store connected under that name, or null if there is none of this type: `context.GetStateStore<KeyValueStore<K,
  /// V>>("s")`.
  template <class Store>
  Store* GetStateStore(std::string_view name) {
    return dynamic_cast<Store*>(task_->FindStore(name));
  }
  Cancellable Schedule(std::chrono::milliseconds interval, PunctuationType type, Punctuator punctuator) {
    return task_->Schedule(interval, type, std::move(punctuator));
  }
  /// topic is null during a punctuation.
  [[nodiscard]] const RecordContext& record() const { return task_->record; }
  [[nodiscard]] TaskId task_id() const { return task_->task_id(); }
  [[nodiscard]] const std::string& application_id() const { return task_->application_id(); }
  [[nodiscard]] Timestamp current_stream_time() const { return task_->stream_time(); }
  [[nodiscard]] Timestamp current_system_time() const { return task_->system_time(); }
  /// Asks for a commit soon after this record.
  void Commit() { task_->RequestCommit(); }
  /// Fails the task: nothing of this record is committed.
  void Fail(absl::Status status) { task_->error.Report(std::move(status)); }

 private:
  TaskContext* task_;
  const Forwarder<KOut, VOut>* out_;
};

/// A user's operator over records, with state and punctuation. Follows Kafka's `Processor`.
template <class KIn, class VIn, class KOut = KIn, class VOut = VIn>
class Processor {
 public:
  virtual ~Processor() = default;
  virtual void Init(ProcessorContext<KOut, VOut>& context) { context_ = &context; }
  virtual void Process(const Record<KIn, VIn>& record) = 0;
  virtual void Close() {}

 protected:
  [[nodiscard]] ProcessorContext<KOut, VOut>& context() const { return *context_; }

 private:
  ProcessorContext<KOut, VOut>* context_ = nullptr;
};

/// Makes one processor for each task; must be callable from any thread.
template <class KIn, class VIn, class KOut = KIn, class VOut = VIn>
using ProcessorSupplier = std::function<std::unique_ptr<Processor<KIn, VIn, KOut, VOut>>()>;

/// As ProcessorContext, but the key of what is forwarded is the input's, always. Follows `FixedKeyProcessorContext`.
template <class K, class VOut>
class FixedKeyProcessorContext : private ProcessorContext<K, VOut> {
  using Base = ProcessorContext<K, VOut>;

 public:
  using Base::application_id;
  using Base::Base;
  using Base::Commit;
  using Base::current_stream_time;
  using Base::current_system_time;
  using Base::Fail;
  using Base::GetStateStore;
  using Base::record;
  using Base::Schedule;
  using Base::task_id;

  /// Forwards `value` under the key of `input`, with its timestamp and headers (or those given).
  template <class VIn>
  void Forward(const Record<K, VIn>& input, const VOut* value) {
    Base::Forward(input.WithValue(value));
  }
  template <class VIn>
  void Forward(const Record<K, VIn>& input, const VOut* value, Timestamp timestamp, const Headers* headers) {
    Base::Forward({input.key, value, timestamp, headers});
  }
};

/// A processor that cannot change keys, so needs no repartition after it. Follows Kafka's `FixedKeyProcessor`.
template <class K, class VIn, class VOut = VIn>
class FixedKeyProcessor {
 public:
  virtual ~FixedKeyProcessor() = default;
  virtual void Init(FixedKeyProcessorContext<K, VOut>& context) { context_ = &context; }
  virtual void Process(const Record<K, VIn>& record) = 0;
  virtual void Close() {}

 protected:
  [[nodiscard]] FixedKeyProcessorContext<K, VOut>& context() const { return *context_; }

 private:
  FixedKeyProcessorContext<K, VOut>* context_ = nullptr;
};

template <class K, class VIn, class VOut = VIn>
using FixedKeyProcessorSupplier = std::function<std::unique_ptr<FixedKeyProcessor<K, VIn, VOut>>()>;

}  // namespace millrace

#endif  // MILLRACE_OPERATORS_PROCESSOR_H_
