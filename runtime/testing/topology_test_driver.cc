#include "millrace/testing/topology_test_driver.h"

#include <deque>
#include <set>

#include "absl/strings/str_cat.h"
#include "log/log.h"
#include "millrace/state/engine.h"
#include "task/stream_task.h"

namespace millrace {
namespace {

// Keeps what is sent, in order over all topics, and gives each topic's records offsets from 0.
class CapturingProducer final : public log::Producer {
 public:
  absl::Status Send(const std::string& topic, std::optional<int32_t> /*partition*/, NullableBytesView key,
                    NullableBytesView value, Timestamp timestamp, const Headers& headers,
                    int64_t* delivered_offset_max) override {
    ProducedRecord& record = sent_.emplace_back();
    record.topic = topic;
    if (key) record.key = Bytes(*key);
    if (value) record.value = Bytes(*value);
    record.timestamp = timestamp;
    record.headers = headers;
    const int64_t offset = end_offsets_[topic]++;
    if (delivered_offset_max != nullptr) *delivered_offset_max = offset;
    return absl::OkStatus();
  }
  absl::Status Poll() override { return absl::OkStatus(); }
  absl::Status Flush(std::chrono::milliseconds /*timeout*/) override { return absl::OkStatus(); }
  [[nodiscard]] int64_t outstanding() const override { return 0; }

  std::vector<ProducedRecord> Take() { return std::exchange(sent_, {}); }

 private:
  std::vector<ProducedRecord> sent_;
  std::map<std::string, int64_t> end_offsets_;
};

}  // namespace

class TopologyTestDriver::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)), wall_clock_(options_.wall_clock) {}

  absl::Status Start(const Topology& topology) {
    absl::StatusOr<ProcessorTopology> nodes = topology.Build(options_.application_id, std::nullopt);
    if (!nodes.ok()) return nodes.status();
    StreamTaskOptions task;
    task.id = {0, 0};
    task.application_id = options_.application_id;
    for (const auto& [topic, source] : nodes->sources) task.sources.push_back({topic, 0});
    task.emit_interval = std::chrono::milliseconds(0);
    task.caching = options_.caching;
    task.errors.handlers = options_.exception_handlers;
    task.partition_count = [](const std::string&) { return 1; };
    task.system_time = [this] { return wall_clock_; };
    task_ = std::make_unique<StreamTask>(std::move(task), *std::move(nodes), MakeMemoryEngineFactory(), &producer_);
    if (absl::Status status = task_->OpenStores(); !status.ok()) return status;
    if (absl::Status status = task_->Start({}); !status.ok()) return status;
    for (const auto& [topic, source] : task_->topology().sources) task_->SetInput({topic, 0}, 0, true);
    return Capture();
  }

  absl::Status Pipe(const std::string& topic, NullableBytesView key, NullableBytesView value, Timestamp timestamp,
                    const Headers& headers) {
    if (!task_->topology().sources.contains(topic)) {
      return absl::NotFoundError(absl::StrCat("the topology does not read topic ", topic));
    }
    Enqueue(topic, key, value, timestamp, headers);
    return CompleteAllWork();
  }

  absl::Status Advance(std::chrono::milliseconds by) {
    wall_clock_ = wall_clock_ + by;
    task_->PunctuateWallClock(wall_clock_);
    if (absl::Status status = Commit(); !status.ok()) return status;
    return CompleteAllWork();
  }

  std::optional<ProducedRecord> Read(const std::string& topic) {
    std::deque<ProducedRecord>& waiting = unread_[topic];
    if (waiting.empty()) return std::nullopt;
    ProducedRecord record = std::move(waiting.front());
    waiting.pop_front();
    return record;
  }
  std::vector<ProducedRecord> TakeProduced() { return std::exchange(produced_, {}); }
  StateStore* FindStore(std::string_view name) { return task_->FindStore(name); }
  [[nodiscard]] Timestamp wall_clock() const { return wall_clock_; }
  void Close() {
    if (task_ != nullptr) task_->Close();
  }

 private:
  void Enqueue(const std::string& topic, NullableBytesView key, NullableBytesView value, Timestamp timestamp,
               const Headers& headers) {
    RawRecord record{key, value, timestamp, &headers, nullptr, 0, input_offsets_[topic]++};
    task_->AddRecord({topic, 0}, record);
    task_->SetInput({topic, 0}, record.offset + 1, true);
  }

  absl::Status Commit() {
    absl::StatusOr<log::Offsets> offsets = task_->PrepareCommit();
    if (!offsets.ok()) return offsets.status();
    task_->PostCommit();
    return task_->Persist();
  }

  // What was sent to a topic that the topology reads comes back in, in the order of sending.
  absl::Status Capture() {
    for (ProducedRecord& record : producer_.Take()) {
      if (task_->topology().sources.contains(record.topic)) {
        Enqueue(record.topic, record.key, record.value, record.timestamp, record.headers);
      }
      unread_[record.topic].push_back(record);
      produced_.push_back(std::move(record));
    }
    return task_->error();
  }

  absl::Status CompleteAllWork() {
    if (absl::Status status = Capture(); !status.ok()) return status;
    while (task_->Process(1, wall_clock_) > 0) {
      task_->PunctuateStreamTime();
      if (!task_->error().ok()) return task_->error();
      if (absl::Status status = Commit(); !status.ok()) return status;
      if (absl::Status status = Capture(); !status.ok()) return status;
    }
    return task_->error();
  }

  const Options options_;
  Timestamp wall_clock_;
  CapturingProducer producer_;
  std::unique_ptr<StreamTask> task_;
  std::map<std::string, int64_t> input_offsets_;
  std::map<std::string, std::deque<ProducedRecord>> unread_;
  std::vector<ProducedRecord> produced_;
};

TopologyTestDriver::TopologyTestDriver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TopologyTestDriver::~TopologyTestDriver() { impl_->Close(); }

absl::StatusOr<std::unique_ptr<TopologyTestDriver>> TopologyTestDriver::Create(const Topology& topology, Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (absl::Status status = impl->Start(topology); !status.ok()) return status;
  return std::unique_ptr<TopologyTestDriver>(new TopologyTestDriver(std::move(impl)));
}

absl::Status TopologyTestDriver::PipeRaw(const std::string& topic, NullableBytesView key, NullableBytesView value,
                                         Timestamp timestamp, const Headers& headers) {
  return impl_->Pipe(topic, key, value, timestamp, headers);
}
absl::Status TopologyTestDriver::AdvanceWallClock(std::chrono::milliseconds by) { return impl_->Advance(by); }
std::optional<ProducedRecord> TopologyTestDriver::ReadRaw(const std::string& topic) { return impl_->Read(topic); }
std::vector<ProducedRecord> TopologyTestDriver::TakeProduced() { return impl_->TakeProduced(); }
StateStore* TopologyTestDriver::FindStore(std::string_view name) { return impl_->FindStore(name); }
Timestamp TopologyTestDriver::wall_clock() const { return impl_->wall_clock(); }

}  // namespace millrace
