#include "engine/rocksdb_engine.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

constexpr int64_t kOwnMemoryBytes = int64_t{128} << 20;
constexpr int64_t kDatabaseBytes = 192 << 10;
constexpr char kData = 'd';
constexpr char kMeta = 'm';
// What the system says when a disk does not give what is on it.
constexpr char kUnreadable[] = "Input/output error";
constexpr BytesView kMarkKey = "format";
constexpr BytesView kMark = "millrace-1";

class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Slice ToSlice(BytesView view) { return {view.data(), view.size()}; }
BytesView ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

std::string Where(const std::string& store, const std::string& directory) {
  return absl::StrCat("store '", store, "' in '", directory, "'");
}

absl::Status ToStatus(const rocksdb::Status& s, const std::string& where, std::string_view doing) {
  const std::string text = absl::StrCat(where, ": ", std::string(doing), ": ", s.ToString());
  // A file that is gone, and a sector that the disk does not give, are damage as much as a wrong checksum.
  const bool unreadable = s.IsIOError() && text.find(kUnreadable) != std::string::npos;
  if (s.IsCorruption() || s.IsPathNotFound() || unreadable) {
    return absl::DataLossError(absl::StrCat(text, "; set the directory aside and restore from the changelog"));
  }
  if (s.IsNoSpace()) return absl::ResourceExhaustedError(absl::StrCat(text, "; free disk space, and it goes on by itself"));
  if (s.IsBusy() || s.IsLockLimit()) return absl::UnavailableError(text);
  return absl::InternalError(text);
}

rocksdb::Options MakeOptions(const RocksDbOptions& options, const EngineMemory& memory,
                             std::shared_ptr<RocksDbBackground> background) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = memory.block_cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  table.format_version = 5;

  rocksdb::Options o;
  o.create_if_missing = true;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  o.write_buffer_manager = memory.write_buffers;
  o.write_buffer_size = static_cast<size_t>(std::min(options.write_buffer_bytes_per_store, memory.bytes / 8));
  // The least that a store takes which is written to at all.
  o.arena_block_size = std::clamp<size_t>(o.write_buffer_size / 64, 16 << 10, 256 << 10);
  o.max_write_buffer_number = 3;
  o.compression = rocksdb::kNoCompression;
  o.compaction_style = rocksdb::kCompactionStyleUniversal;
  o.atomic_flush = true;
  o.avoid_unnecessary_blocking_io = true;
  o.max_open_files = -1;
  // Per database: of the cache of open files, and of each file that is written (log and manifest are always open).
  o.table_cache_numshardbits = 2;
  o.writable_file_max_buffer_size = 16 << 10;
  o.use_direct_reads = options.direct_io;
  o.use_direct_io_for_flush_and_compaction = options.direct_io;
  o.listeners.push_back(std::move(background));
  o.info_log = std::make_shared<NoLog>();
  o.info_log_level = rocksdb::FATAL_LEVEL;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.keep_log_file_num = 1;
  o.max_manifest_file_size = 1 << 20;
  return o;
}

// A directory that holds files but no database is somebody else's, or has lost its head.
absl::Status CheckDirectory(const std::string& store, const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    const std::string text = absl::StrCat(Where(store, directory), ": cannot make the directory: ", error.message());
    return error == std::errc::no_space_on_device ? absl::ResourceExhaustedError(text) : absl::PermissionDeniedError(text);
  }
  if (fs::exists(directory + "/CURRENT", error)) return absl::OkStatus();
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const bool left_by_start = name == "LOCK" || name.starts_with("LOG") || name.starts_with("MANIFEST") ||
                               name.starts_with("IDENTITY") || name.ends_with(".dbtmp") || name.starts_with("OPTIONS");
    if (!left_by_start) {
      return absl::DataLossError(absl::StrCat(Where(store, directory), ": holds '", name,
                                              "' but no database; set the directory aside and restore from the changelog"));
    }
  }
  if (error) {
    return absl::PermissionDeniedError(absl::StrCat(Where(store, directory), ": cannot read the directory: ", error.message()));
  }
  return absl::OkStatus();
}

class RocksDbIterator final : public EngineIterator {
 public:
  RocksDbIterator(rocksdb::DB* db, const EngineRange& range, bool reverse, std::string where)
      : where_(std::move(where)), reverse_(reverse) {
    lower_.push_back(kData);
    if (range.from) lower_.append(*range.from);
    if (range.to) {
      upper_.push_back(kData);
      upper_.append(*range.to);
    } else {
      upper_.push_back(kData + 1);
    }
    lower_slice_ = lower_;
    upper_slice_ = upper_;
    rocksdb::ReadOptions read;
    read.iterate_lower_bound = &lower_slice_;
    read.iterate_upper_bound = &upper_slice_;
    if (lower_ >= upper_) upper_slice_ = lower_slice_;
    it_.reset(db->NewIterator(read));
    if (reverse_) {
      it_->SeekToLast();
    } else {
      it_->SeekToFirst();
    }
  }
  [[nodiscard]] bool Valid() const override { return it_->Valid(); }
  void Next() override {
    if (reverse_) {
      it_->Prev();
    } else {
      it_->Next();
    }
  }
  [[nodiscard]] BytesView key() const override { return ToView(it_->key()).substr(1); }
  [[nodiscard]] BytesView value() const override { return ToView(it_->value()); }
  [[nodiscard]] absl::Status status() const override {
    const rocksdb::Status s = it_->status();
    return s.ok() ? absl::OkStatus() : ToStatus(s, where_, "scan");
  }

 private:
  std::string where_;
  Bytes lower_;
  Bytes upper_;
  rocksdb::Slice lower_slice_;
  rocksdb::Slice upper_slice_;
  bool reverse_;
  std::unique_ptr<rocksdb::Iterator> it_;
};

class RocksDbEngineFactory final : public EngineFactory {
 public:
  RocksDbEngineFactory(std::string directory, RocksDbOptions options)
      : directory_(std::move(directory)), options_(std::move(options)), in_memory_(MakeMemoryEngineFactory()) {
    if (options_.memory == nullptr) options_.memory = MakeEngineMemory(kOwnMemoryBytes);
  }
  absl::StatusOr<std::unique_ptr<KeyValueEngine>> Open(const std::string& store, StoreKind kind) override {
    if (kind == StoreKind::kInMemory) return in_memory_->Open(store, kind);
    return RocksDbEngine::Open(store, absl::StrCat(directory_, "/", store), options_);
  }

 private:
  std::string directory_;
  RocksDbOptions options_;
  std::unique_ptr<EngineFactory> in_memory_;
};

}  // namespace

EngineMemory::EngineMemory(int64_t limit_bytes)
    : bytes(limit_bytes),
      block_cache(rocksdb::NewLRUCache(static_cast<size_t>(bytes))),
      write_buffers(std::make_shared<rocksdb::WriteBufferManager>(static_cast<size_t>(bytes / 2), block_cache)) {
  // Flushes free memory, so they do not wait behind compactions.
  rocksdb::Env::Default()->SetBackgroundThreads(1, rocksdb::Env::HIGH);
}

void EngineMemory::Opened() {
  const std::lock_guard lock(mutex_);
  Resize(++databases_);
}

void EngineMemory::Closed() {
  const std::lock_guard lock(mutex_);
  Resize(--databases_);
}

void EngineMemory::Resize(int64_t databases) {
  block_cache->SetCapacity(static_cast<size_t>(std::max(bytes / 4, bytes - databases * kDatabaseBytes)));
}

bool EngineMemory::behind() const {
  const size_t waiting =
      write_buffers->memory_usage() - std::min(write_buffers->memory_usage(), write_buffers->mutable_memtable_memory_usage());
  return waiting > write_buffers->buffer_size() / 2;
}

absl::StatusOr<std::unique_ptr<KeyValueEngine>> RocksDbEngine::Open(const std::string& store, const std::string& directory,
                                                                    const RocksDbOptions& options) {
  if (absl::Status s = CheckDirectory(store, directory); !s.ok()) return s;
  const std::shared_ptr<EngineMemory> memory = options.memory != nullptr ? options.memory : MakeEngineMemory(kOwnMemoryBytes);
  auto background = std::make_shared<RocksDbBackground>();
  const rocksdb::Options rocks_options = MakeOptions(options, *memory, background);
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status s = rocksdb::DB::Open(rocks_options, directory, &raw);
  if (!s.ok()) {
    // What RocksDB cannot read shows as corruption, as an argument that does not fit, or as a file that is missing.
    const std::string text = s.ToString();
    const bool missing_file = s.IsIOError() && text.find("No such file") != std::string::npos;
    if (s.IsInvalidArgument() || s.IsNotFound() || s.IsNotSupported() || missing_file) {
      return absl::DataLossError(absl::StrCat(Where(store, directory), ": not a usable database: ", text,
                                              "; set the directory aside and restore from the changelog"));
    }
    return ToStatus(s, Where(store, directory), "open");
  }
  std::unique_ptr<RocksDbEngine> engine(
      new RocksDbEngine(store, directory, memory, std::move(background), std::unique_ptr<rocksdb::DB>(raw)));
  if (absl::Status mark = engine->CheckMark(); !mark.ok()) return mark;
  return engine;
}

void RocksDbBackground::OnFlushCompleted(rocksdb::DB* /*db*/, const rocksdb::FlushJobInfo& info) {
  Flushed(static_cast<int64_t>(info.largest_seqno));
}

// Memtables are flushed in order.
void RocksDbBackground::Flushed(int64_t position) {
  int64_t before = durable;
  while (before < position && !durable.compare_exchange_weak(before, position)) {
  }
}

void RocksDbBackground::OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status* /*error*/) {
  failed = true;
}

void RocksDbBackground::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                                             bool* auto_recovery) {
  *auto_recovery = false;
}

RocksDbEngine::RocksDbEngine(std::string store, std::string directory, std::shared_ptr<EngineMemory> memory,
                             std::shared_ptr<RocksDbBackground> background, std::unique_ptr<rocksdb::DB> db)
    : store_(std::move(store)),
      directory_(std::move(directory)),
      memory_(std::move(memory)),
      background_(std::move(background)),
      db_(std::move(db)) {
  memory_->Opened();
  background_->Flushed(written());
}

RocksDbEngine::~RocksDbEngine() {
  // A flush that fails here only makes the next start restore a longer tail: the changelog offset lies in the same memtables as
  // the data that it stands for, so neither is there without the other.
  Flush(true).IgnoreError();
  db_->Close().PermitUncheckedError();
  memory_->Closed();
}

absl::Status RocksDbEngine::Error(const rocksdb::Status& status, std::string_view doing) const {
  return ToStatus(status, Where(store_, directory_), doing);
}

absl::Status RocksDbEngine::CheckMark() {
  Bytes mark;
  const absl::StatusOr<bool> found = GetMeta(kMarkKey, &mark);
  if (!found.ok()) return found.status();
  if (*found && mark == kMark) return absl::OkStatus();
  const std::unique_ptr<rocksdb::Iterator> any(db_->NewIterator(rocksdb::ReadOptions()));
  any->SeekToFirst();
  if (!any->status().ok()) return Error(any->status(), "open");
  if (*found || any->Valid()) {
    return absl::DataLossError(absl::StrCat(Where(store_, directory_), ": a database of another program or format (",
                                            *found ? mark : "no mark", ", expected ", std::string(kMark),
                                            "); set the directory aside and restore from the changelog"));
  }
  WriteBatch batch;
  batch.PutMeta(kMarkKey, kMark);
  return Write(batch);
}

absl::StatusOr<bool> RocksDbEngine::Read(char space, BytesView key, Bytes* value) {
  key_.assign(1, space).append(key);
  rocksdb::PinnableSlice found(value);
  const rocksdb::Status s = db_->Get(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), key_, &found);
  if (s.IsNotFound()) return false;
  if (!s.ok()) return Error(s, "get");
  if (found.IsPinned()) value->assign(found.data(), found.size());
  return true;
}

absl::StatusOr<bool> RocksDbEngine::Get(BytesView key, Bytes* value) { return Read(kData, key, value); }
absl::StatusOr<bool> RocksDbEngine::GetMeta(BytesView key, Bytes* value) { return Read(kMeta, key, value); }

absl::Status RocksDbEngine::MultiGet(std::span<const BytesView> keys, std::vector<NullableBytes>* values) {
  std::vector<Bytes> prefixed(keys.size());
  std::vector<rocksdb::Slice> slices(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    prefixed[i].assign(1, kData).append(keys[i]);
    slices[i] = prefixed[i];
  }
  std::vector<rocksdb::PinnableSlice> found(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), keys.size(), slices.data(), found.data(), statuses.data());
  values->assign(keys.size(), std::nullopt);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok()) {
      (*values)[i] = found[i].ToString();
    } else if (!statuses[i].IsNotFound()) {
      return Error(statuses[i], "get");
    }
  }
  return absl::OkStatus();
}

std::unique_ptr<EngineIterator> RocksDbEngine::Scan(const EngineRange& range, bool reverse) {
  return std::make_unique<RocksDbIterator>(db_.get(), range, reverse, Where(store_, directory_));
}

int64_t RocksDbEngine::written() const { return static_cast<int64_t>(db_->GetLatestSequenceNumber()); }

// After an error in the background RocksDB takes no writes until it is told to try again. It has kept its memtables.
absl::Status RocksDbEngine::Resume(std::string_view doing) {
  if (!background_->failed.exchange(false)) return absl::OkStatus();
  const rocksdb::Status s = db_->Resume();
  if (s.ok()) return absl::OkStatus();
  background_->failed = true;
  return Error(s, doing);
}

absl::Status RocksDbEngine::Write(const WriteBatch& batch) {
  if (absl::Status s = Resume("write"); !s.ok()) return s;
  rocksdb::WriteBatch out(batch.bytes() + batch.size() * 8);
  Bytes key;
  Bytes end;
  for (size_t i = 0; i < batch.size(); ++i) {
    const WriteBatch::Entry e = batch[i];
    key.assign(1, e.op == WriteBatch::Op::kPutMeta ? kMeta : kData).append(e.key);
    rocksdb::Status s;
    switch (e.op) {
      case WriteBatch::Op::kPut:
      case WriteBatch::Op::kPutMeta:
        s = out.Put(key, ToSlice(e.value));
        break;
      case WriteBatch::Op::kDelete:
        s = out.Delete(key);
        break;
      case WriteBatch::Op::kDeleteRange:
        end.assign(1, kData).append(e.value);
        if (key < end) s = out.DeleteRange(key, end);
        break;
    }
    if (!s.ok()) return Error(s, "write");
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  const rocksdb::Status s = db_->Write(options, &out);
  if (!s.ok()) return Error(s, "write");
  return memory_->behind() ? Flush(true) : absl::OkStatus();
}

absl::Status RocksDbEngine::Flush(bool wait) {
  if (absl::Status s = Resume("flush"); !s.ok()) return s;
  rocksdb::FlushOptions options;
  options.wait = wait;
  options.allow_write_stall = true;
  const int64_t position = written();
  const rocksdb::Status s = db_->Flush(options);
  if (!s.ok()) return Error(s, "flush");
  // Listeners may hear of it only after those who wait.
  if (wait) background_->Flushed(position);
  return absl::OkStatus();
}

std::shared_ptr<EngineMemory> MakeEngineMemory(int64_t bytes) { return std::make_shared<EngineMemory>(bytes); }
int64_t EngineMemoryBytes(const EngineMemory& memory) { return static_cast<int64_t>(memory.block_cache->GetUsage()); }

std::unique_ptr<EngineFactory> MakeRocksDbEngineFactory(std::string directory, RocksDbOptions options) {
  return std::make_unique<RocksDbEngineFactory>(std::move(directory), std::move(options));
}

}  // namespace millrace
