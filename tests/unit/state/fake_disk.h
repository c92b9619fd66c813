#ifndef MILLRACE_TESTS_UNIT_STATE_FAKE_DISK_H_
#define MILLRACE_TESTS_UNIT_STATE_FAKE_DISK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "millrace/state/engine.h"

namespace millrace::state_test {

/// The state of a disk, and what was asked of it.
struct FakeDisk {
  bool full = false;
  bool stopped = false;                // what was to be written in the background found no space
  std::map<std::string, int> flushes;  // by engine
};

/// A memory engine that passes for one with a disk.
class FakeEngine final : public KeyValueEngine {
 public:
  FakeEngine(FakeDisk* disk, std::string location, std::unique_ptr<KeyValueEngine> memory)
      : disk_(disk), location_(std::move(location)), memory_(std::move(memory)) {}
  absl::StatusOr<bool> Get(BytesView key, Bytes* value) override { return memory_->Get(key, value); }
  absl::StatusOr<bool> GetMeta(BytesView key, Bytes* value) override { return memory_->GetMeta(key, value); }
  absl::Status MultiGet(std::span<const BytesView> keys, std::vector<NullableBytes>* values) override {
    return memory_->MultiGet(keys, values);
  }
  std::unique_ptr<EngineIterator> Scan(const EngineRange& range, bool reverse) override { return memory_->Scan(range, reverse); }
  absl::Status Write(const WriteBatch& batch) override {
    if (absl::Status status = Space(); !status.ok()) return status;
    ++written_;
    return memory_->Write(batch);
  }
  absl::Status Flush(bool /*wait*/) override {
    if (absl::Status status = Space(); !status.ok()) return status;
    ++disk_->flushes[location_];
    durable_ = written_;
    return absl::OkStatus();
  }
  [[nodiscard]] int64_t written() const override { return written_; }
  [[nodiscard]] int64_t durable() const override { return durable_; }
  [[nodiscard]] bool stopped() const override { return disk_->stopped; }
  [[nodiscard]] bool persistent() const override { return true; }
  [[nodiscard]] const std::string& location() const override { return location_; }

 private:
  absl::Status Space() {
    if (disk_->full) return absl::ResourceExhaustedError("no space");
    disk_->stopped = false;
    return absl::OkStatus();
  }

  FakeDisk* const disk_;
  const std::string location_;
  const std::unique_ptr<KeyValueEngine> memory_;
  int64_t written_ = 0;
  int64_t durable_ = 0;
};

class FakeEngines final : public EngineFactory {
 public:
  explicit FakeEngines(FakeDisk* disk) : disk_(disk) {}
  absl::StatusOr<std::unique_ptr<KeyValueEngine>> Open(const std::string& store, StoreKind kind) override {
    return std::make_unique<FakeEngine>(disk_, "0_1/" + store, *memory_->Open(store, kind));
  }

 private:
  FakeDisk* const disk_;
  const std::unique_ptr<EngineFactory> memory_ = MakeMemoryEngineFactory();
};

}  // namespace millrace::state_test

#endif  // MILLRACE_TESTS_UNIT_STATE_FAKE_DISK_H_
