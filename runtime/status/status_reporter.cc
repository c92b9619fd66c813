#include "status/status_reporter.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "status/status_record.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kLastFlush{5000};

}  // namespace

StatusReporter::StatusReporter(Host* host, log::LogClient* client, std::string topic, internal::Instance instance)
    : host_(host), client_(client), topic_(std::move(topic)), instance_(std::move(instance)) {
  const std::string name = host_->ProcessName();
  const size_t colon = name.rfind(':');
  instance_.set_host(name.substr(0, colon));
  int64_t pid = 0;
  if (colon != std::string::npos && absl::SimpleAtoi(name.substr(colon + 1), &pid)) instance_.set_pid(pid);
  instance_.set_started_ms(host_->Now().millis());
}

void StatusReporter::FillRates(internal::Instance* instance) {
  const std::chrono::nanoseconds now = host_->Monotonic();
  const double seconds = std::chrono::duration<double>(now - reported_).count();
  for (internal::WorkerStatus& worker : *instance->mutable_workers()) {
    const auto before = consumed_.find(worker.name());
    if (before != consumed_.end() && seconds > 0) {
      worker.set_records_per_second(static_cast<double>(worker.records_consumed() - before->second) / seconds);
    }
    consumed_[worker.name()] = worker.records_consumed();
  }
  reported_ = now;
}

void StatusReporter::Report(const std::string& state, std::vector<internal::WorkerStatus> workers) {
  instance_.set_state(state);
  instance_.clear_workers();
  for (internal::WorkerStatus& worker : workers) *instance_.add_workers() = std::move(worker);
  FillRates(&instance_);
  instance_.set_written_ms(host_->Now().millis());
  Send(BytesView(Encode(instance_)), /*wait=*/false);
}

void StatusReporter::ReportFailure(const std::string& state, const absl::Status& error) {
  instance_.set_state(state);
  instance_.set_error(std::string(error.message()));
  instance_.clear_workers();
  instance_.set_written_ms(host_->Now().millis());
  Send(BytesView(Encode(instance_)), /*wait=*/true);
}

void StatusReporter::Remove() { Send(std::nullopt, /*wait=*/true); }

void StatusReporter::Send(NullableBytesView value, bool wait) {
  const absl::Status status = TrySend(value, wait);
  if (status.ok()) {
    failing_ = false;
    return;
  }
  // A failure sticks to its producer.
  producer_.reset();
  if (std::exchange(failing_, true)) return;
  LogWarning(absl::StrCat("the status of this instance cannot be written: ", std::string(status.message()),
                          "; processing is not affected, the fleet view is"),
             {.event = "status-failed", .topic = topic_});
}

absl::Status StatusReporter::TrySend(NullableBytesView value, bool wait) {
  if (!producer_) {
    auto producer = client_->NewProducer();
    if (!producer.ok()) return producer.status();
    producer_ = *std::move(producer);
  }
  // What became of the records before.
  if (absl::Status status = producer_->Poll(); !status.ok()) return status;
  // One record waiting is enough: a broker that is away is not to find a queue of old ones.
  if (!wait && producer_->outstanding() > 0) return absl::OkStatus();
  absl::Status status =
      producer_->Send(topic_, 0, BytesView(InstanceKey(instance_.id())), value, host_->Now(), Headers::Empty(), nullptr);
  if (!status.ok()) return status;
  if (!wait) return producer_->Poll();
  status = producer_->Flush(kLastFlush);
  if (!status.ok() || producer_->outstanding() == 0) return status;
  return absl::DeadlineExceededError(absl::StrCat("not delivered within ", kLastFlush.count(), " ms"));
}

}  // namespace millrace
