#ifndef MILLRACE_TESTS_SIMULATION_DISK_H_
#define MILLRACE_TESTS_SIMULATION_DISK_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/host.h"
#include "millrace/state/engine.h"
#include "scheduler.h"

namespace millrace::simulation {

/// A store's data as an engine keeps it.
struct StoreData {
  using Map = std::map<Bytes, Bytes, std::less<>>;
  Map data;
  Map meta;
  void Apply(const WriteBatch& batch);
};

/// What an engine's directory holds: what is on the platter, and what a crash may lose.
struct StoreFiles {
  StoreData written;  // as the process sees it
  StoreData durable;
  std::vector<WriteBatch> unsynced;  // since `durable`, in order
  bool damaged = false;
  bool open = false;
};

/// What a crash took.
struct CrashLosses {
  int64_t batches = 0;  // of unsynced writes
  int64_t damaged_stores = 0;
};

/// One machine's disk: it outlives the processes. Files are durable once written; of a store a crash keeps what was flushed and
/// any number of the batches after it, in order, as RocksDB without a write-ahead log does.
class Disk final : public FileSystem {
 public:
  explicit Disk(Scheduler* scheduler) : scheduler_(scheduler) {}

  /// What the death of the process does: locks end, unsynced batches are lost from a seeded one on, now and then a store is
  /// damaged.
  CrashLosses Crash(double damage_probability);
  /// The machine is replaced by an empty one.
  void Lose();
  /// While full, whatever needs space fails with kResourceExhausted.
  void SetFull(bool full) { full_ = full; }

  /// Data of each store that is there, by its path.
  [[nodiscard]] std::map<std::string, StoreData::Map> Stores() const;
  [[nodiscard]] std::unique_ptr<EngineFactory> Engines(const std::string& directory);

  absl::Status CreateDirectories(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RemoveAll(const std::string& path) override;
  [[nodiscard]] bool Exists(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<std::string> Read(const std::string& path) override;
  absl::Status Write(const std::string& path, const std::string& contents) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  class Engine;
  class Factory;
  class HeldLock;
  absl::StatusOr<std::unique_ptr<KeyValueEngine>> OpenEngine(const std::string& path);
  [[nodiscard]] absl::Status CheckSpace(const std::string& path) const;

  Scheduler* const scheduler_;
  bool full_ = false;
  std::set<std::string> directories_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::shared_ptr<StoreFiles>> stores_;
  std::set<std::string> locked_;
};

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_DISK_H_
