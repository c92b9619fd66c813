#ifndef MILLRACE_STATE_ENGINE_ROCKSDB_ENGINE_H_
#define MILLRACE_STATE_ENGINE_ROCKSDB_ENGINE_H_

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_buffer_manager.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "millrace/state/engine.h"

namespace millrace {

class EngineMemory {
 public:
  explicit EngineMemory(int64_t limit_bytes);
  /// An open database takes some memory even if it is empty; the cache makes room for that. Any thread.
  void Opened();
  void Closed();
  /// Flushes do not keep pace with writes.
  [[nodiscard]] bool behind() const;

  const int64_t bytes;
  std::shared_ptr<rocksdb::Cache> block_cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;

 private:
  void Resize(int64_t databases);
  std::mutex mutex_;
  int64_t databases_ ABSL_GUARDED_BY(mutex_) = 0;
};

/// What RocksDB's own threads tell of one database.
class RocksDbBackground final : public rocksdb::EventListener {
 public:
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& info) override;
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  /// Its recovery from a full disk wants room for whole write buffers, and blocks writes while it waits for that.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status error, bool* auto_recovery) override;

  void Flushed(int64_t position);

  /// Sequence number up to which everything is in table files.
  std::atomic<int64_t> durable = 0;
  /// Since the last attempt to go on.
  std::atomic<bool> failed = false;
};

/// One store in one RocksDB without write-ahead log. Data keys start with 'd', metadata keys with 'm', in one column family: so
/// memtables, flushed in order, keep batches whole.
class RocksDbEngine final : public KeyValueEngine {
 public:
  static absl::StatusOr<std::unique_ptr<KeyValueEngine>> Open(const std::string& store, const std::string& directory,
                                                              const RocksDbOptions& options);
  ~RocksDbEngine() override;

  absl::StatusOr<bool> Get(BytesView key, Bytes* value) override;
  absl::StatusOr<bool> GetMeta(BytesView key, Bytes* value) override;
  absl::Status MultiGet(std::span<const BytesView> keys, std::vector<NullableBytes>* values) override;
  std::unique_ptr<EngineIterator> Scan(const EngineRange& range, bool reverse) override;
  absl::Status Write(const WriteBatch& batch) override;
  absl::Status Flush(bool wait) override;
  [[nodiscard]] int64_t written() const override;
  [[nodiscard]] int64_t durable() const override { return background_->durable; }
  [[nodiscard]] bool stopped() const override { return background_->failed; }
  [[nodiscard]] bool persistent() const override { return true; }
  [[nodiscard]] const std::string& location() const override { return directory_; }

 private:
  RocksDbEngine(std::string store, std::string directory, std::shared_ptr<EngineMemory> memory,
                std::shared_ptr<RocksDbBackground> background, std::unique_ptr<rocksdb::DB> db);
  absl::StatusOr<bool> Read(char space, BytesView key, Bytes* value);
  absl::Status CheckMark();
  absl::Status Resume(std::string_view doing);
  [[nodiscard]] absl::Status Error(const rocksdb::Status& status, std::string_view doing) const;

  std::string store_;
  std::string directory_;
  std::shared_ptr<EngineMemory> memory_;
  std::shared_ptr<RocksDbBackground> background_;
  std::unique_ptr<rocksdb::DB> db_;
  Bytes key_;  // reused
};

}  // namespace millrace

#endif  // MILLRACE_STATE_ENGINE_ROCKSDB_ENGINE_H_
