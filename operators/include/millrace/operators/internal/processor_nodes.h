#ifndef MILLRACE_OPERATORS_INTERNAL_PROCESSOR_NODES_H_
#define MILLRACE_OPERATORS_INTERNAL_PROCESSOR_NODES_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "millrace/operators/processor.h"

namespace millrace::internal {

/// Runs a user's processor. Follows KStream.process.
template <class KIn, class VIn, class KOut, class VOut>
class ProcessNode final : public ForwardingNode<KOut, VOut>, public Receiver<KIn, VIn> {
 public:
  using Supplier = ProcessorSupplier<KIn, VIn, KOut, VOut>;
  ProcessNode(std::string name, const Supplier& supplier) : ForwardingNode<KOut, VOut>(std::move(name)), processor_(supplier()) {}

  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    if (processor_ == nullptr)
      return absl::InvalidArgumentError(absl::StrCat("the supplier of processor ", this->name(), " made none"));
    if (absl::Status status = ForwardingNode<KOut, VOut>::Init(context); !status.ok()) return status;
    processor_context_ = std::make_unique<ProcessorContext<KOut, VOut>>(context, &this->out());
    processor_->Init(*processor_context_);
    return absl::OkStatus();
  }
  void Process(const Record<KIn, VIn>& record) override { processor_->Process(record); }
  void Close() override { processor_->Close(); }

 private:
  std::unique_ptr<ProcessorContext<KOut, VOut>> processor_context_;
  const std::unique_ptr<Processor<KIn, VIn, KOut, VOut>> processor_;
};

/// Runs a user's fixed-key processor. Follows KStream.processValues.
template <class K, class VIn, class VOut>
class FixedKeyProcessNode final : public ForwardingNode<K, VOut>, public Receiver<K, VIn> {
 public:
  using Supplier = FixedKeyProcessorSupplier<K, VIn, VOut>;
  FixedKeyProcessNode(std::string name, const Supplier& supplier)
      : ForwardingNode<K, VOut>(std::move(name)), processor_(supplier()) {}

  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    if (processor_ == nullptr)
      return absl::InvalidArgumentError(absl::StrCat("the supplier of processor ", this->name(), " made none"));
    if (absl::Status status = ForwardingNode<K, VOut>::Init(context); !status.ok()) return status;
    processor_context_ = std::make_unique<FixedKeyProcessorContext<K, VOut>>(context, &this->out());
    processor_->Init(*processor_context_);
    return absl::OkStatus();
  }
  void Process(const Record<K, VIn>& record) override { processor_->Process(record); }
  void Close() override { processor_->Close(); }

 private:
  std::unique_ptr<FixedKeyProcessorContext<K, VOut>> processor_context_;
  const std::unique_ptr<FixedKeyProcessor<K, VIn, VOut>> processor_;
};

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_INTERNAL_PROCESSOR_NODES_H_
