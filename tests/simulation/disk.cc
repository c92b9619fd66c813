#include "disk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace millrace::simulation {
namespace {

bool Under(const std::string& path, const std::string& folder) {
  return path == folder || absl::StartsWith(path, absl::StrCat(folder, "/"));
}

template <class Map>
void Move(Map* map, const std::string& from, const std::string& to) {
  std::vector<typename Map::node_type> moved;
  for (auto it = map->begin(); it != map->end();) {
    const auto at = it++;
    if (Under(at->first, from)) moved.push_back(map->extract(at));
  }
  for (auto& node : moved) {
    node.key() = absl::StrCat(to, node.key().substr(from.size()));
    map->insert(std::move(node));
  }
}

class Iterator final : public EngineIterator {
 public:
  Iterator(std::vector<std::pair<Bytes, Bytes>> entries) : entries_(std::move(entries)) {}
  [[nodiscard]] bool Valid() const override { return at_ < entries_.size(); }
  void Next() override { ++at_; }
  [[nodiscard]] BytesView key() const override { return entries_[at_].first; }
  [[nodiscard]] BytesView value() const override { return entries_[at_].second; }
  [[nodiscard]] absl::Status status() const override { return absl::OkStatus(); }

 private:
  std::vector<std::pair<Bytes, Bytes>> entries_;
  size_t at_ = 0;
};

}  // namespace

void StoreData::Apply(const WriteBatch& batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    const WriteBatch::Entry entry = batch[i];
    switch (entry.op) {
      case WriteBatch::Op::kPut:
        data.insert_or_assign(Bytes(entry.key), Bytes(entry.value));
        break;
      case WriteBatch::Op::kPutMeta:
        meta.insert_or_assign(Bytes(entry.key), Bytes(entry.value));
        break;
      case WriteBatch::Op::kDelete:
        data.erase(Bytes(entry.key));
        break;
      case WriteBatch::Op::kDeleteRange:
        if (entry.key < entry.value) data.erase(data.lower_bound(entry.key), data.lower_bound(entry.value));
        break;
    }
  }
}

class Disk::Engine final : public KeyValueEngine {
 public:
  Engine(Disk* disk, std::string path, std::shared_ptr<StoreFiles> files)
      : disk_(disk), path_(std::move(path)), files_(std::move(files)) {
    files_->open = true;
  }
  ~Engine() override {
    files_->open = false;
    Sync();
  }

  absl::StatusOr<bool> Get(BytesView key, Bytes* value) override { return Find(files_->written.data, key, value); }
  absl::StatusOr<bool> GetMeta(BytesView key, Bytes* value) override { return Find(files_->written.meta, key, value); }
  absl::Status MultiGet(std::span<const BytesView> keys, std::vector<NullableBytes>* values) override {
    values->assign(keys.size(), std::nullopt);
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto it = files_->written.data.find(keys[i]);
      if (it != files_->written.data.end()) (*values)[i] = it->second;
    }
    return absl::OkStatus();
  }
  std::unique_ptr<EngineIterator> Scan(const EngineRange& range, bool reverse) override {
    const StoreData::Map& map = files_->written.data;
    std::vector<std::pair<Bytes, Bytes>> entries;
    const auto end = range.to ? map.lower_bound(*range.to) : map.end();
    if (!range.from || !range.to || *range.from < *range.to) {
      for (auto it = range.from ? map.lower_bound(*range.from) : map.begin(); it != end; ++it) entries.push_back(*it);
    }
    if (reverse) std::reverse(entries.begin(), entries.end());
    return std::make_unique<Iterator>(std::move(entries));
  }
  absl::Status Write(const WriteBatch& batch) override {
    if (absl::Status status = disk_->CheckSpace(path_); !status.ok()) return status;
    files_->written.Apply(batch);
    files_->unsynced.push_back(batch);
    ++written_;
    return absl::OkStatus();
  }
  absl::Status Flush(bool /*wait*/) override {
    if (absl::Status status = disk_->CheckSpace(path_); !status.ok()) return status;
    Sync();
    return absl::OkStatus();
  }
  [[nodiscard]] int64_t written() const override { return written_; }
  [[nodiscard]] int64_t durable() const override { return written_ - static_cast<int64_t>(files_->unsynced.size()); }
  [[nodiscard]] bool stopped() const override { return false; }
  [[nodiscard]] bool persistent() const override { return true; }
  [[nodiscard]] const std::string& location() const override { return path_; }

 private:
  static bool Find(const StoreData::Map& map, BytesView key, Bytes* value) {
    const auto it = map.find(key);
    if (it == map.end()) return false;
    value->assign(it->second);
    return true;
  }
  void Sync() {
    if (files_->unsynced.empty()) return;
    files_->durable = files_->written;
    files_->unsynced.clear();
  }

  Disk* const disk_;
  const std::string path_;
  const std::shared_ptr<StoreFiles> files_;
  int64_t written_ = 0;  // batches
};

class Disk::Factory final : public EngineFactory {
 public:
  Factory(Disk* disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {}
  absl::StatusOr<std::unique_ptr<KeyValueEngine>> Open(const std::string& store, StoreKind kind) override {
    if (kind == StoreKind::kInMemory) return memory_->Open(store, kind);
    return disk_->OpenEngine(absl::StrCat(directory_, "/", store));
  }

 private:
  Disk* const disk_;
  const std::string directory_;
  const std::unique_ptr<EngineFactory> memory_ = MakeMemoryEngineFactory();
};

class Disk::HeldLock final : public FileLock {
 public:
  HeldLock(Disk* disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  ~HeldLock() override { disk_->locked_.erase(path_); }

 private:
  Disk* const disk_;
  const std::string path_;
};

std::unique_ptr<EngineFactory> Disk::Engines(const std::string& directory) { return std::make_unique<Factory>(this, directory); }

absl::StatusOr<std::unique_ptr<KeyValueEngine>> Disk::OpenEngine(const std::string& path) {
  if (absl::Status status = CheckSpace(path); !status.ok()) return status;
  std::shared_ptr<StoreFiles>& files = stores_[path];
  if (!files) files = std::make_shared<StoreFiles>();
  if (files->open) return absl::InternalError(absl::StrCat("the store in ", path, " is open already"));
  if (files->damaged) return absl::DataLossError(absl::StrCat("the store in ", path, " is damaged"));
  return std::make_unique<Engine>(this, path, files);
}

CrashLosses Disk::Crash(double damage_probability) {
  CrashLosses losses;
  locked_.clear();
  Random& random = scheduler_->random();
  for (auto& [path, files] : stores_) {
    // The dead process's engine keeps the old files, which nobody sees any more.
    auto left = std::make_shared<StoreFiles>();
    left->durable = files->durable;
    const bool damaged = random.Chance(damage_probability);
    left->damaged = files->damaged || damaged;
    if (damaged) ++losses.damaged_stores;
    const size_t kept = random.Below(files->unsynced.size() + 1);
    losses.batches += static_cast<int64_t>(files->unsynced.size() - kept);
    for (size_t i = 0; i < kept; ++i) left->durable.Apply(files->unsynced[i]);
    left->written = left->durable;
    files = std::move(left);
  }
  return losses;
}

void Disk::Lose() {
  directories_.clear();
  files_.clear();
  stores_.clear();
  locked_.clear();
}

std::map<std::string, StoreData::Map> Disk::Stores() const {
  std::map<std::string, StoreData::Map> stores;
  for (const auto& [path, files] : stores_) stores[path] = files->written.data;
  return stores;
}

absl::Status Disk::CheckSpace(const std::string& path) const {
  return full_ ? absl::ResourceExhaustedError(absl::StrCat("write ", path, ": no space left on device")) : absl::OkStatus();
}

absl::Status Disk::CreateDirectories(const std::string& path) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    directories_.insert(path.substr(0, end));
  }
  directories_.insert(path);
  return absl::OkStatus();
}

absl::Status Disk::Rename(const std::string& from, const std::string& to) {
  if (!Exists(from)) return absl::NotFoundError(absl::StrCat("rename ", from, ": there is none"));
  Move(&files_, from, to);
  Move(&stores_, from, to);
  std::set<std::string> moved;
  std::erase_if(directories_, [&](const std::string& path) {
    if (!Under(path, from)) return false;
    moved.insert(absl::StrCat(to, path.substr(from.size())));
    return true;
  });
  directories_.merge(moved);
  return absl::OkStatus();
}

absl::Status Disk::RemoveAll(const std::string& path) {
  const auto under = [&](const auto& entry) { return Under(entry.first, path); };
  std::erase_if(files_, under);
  std::erase_if(stores_, under);
  std::erase_if(directories_, [&](const std::string& directory) { return Under(directory, path); });
  return absl::OkStatus();
}

bool Disk::Exists(const std::string& path) {
  return files_.contains(path) || stores_.contains(path) || directories_.contains(path);
}

absl::StatusOr<std::vector<std::string>> Disk::List(const std::string& path) {
  if (!directories_.contains(path)) return absl::NotFoundError(absl::StrCat("list ", path, ": there is none"));
  std::set<std::string> names;
  const auto add = [&](const std::string& entry) {
    if (entry == path || !Under(entry, path)) return;
    const std::string rest = entry.substr(path.size() + 1);
    names.insert(rest.substr(0, rest.find('/')));
  };
  for (const std::string& directory : directories_) add(directory);
  for (const auto& [file, contents] : files_) add(file);
  for (const auto& [store, files] : stores_) add(store);
  return std::vector<std::string>(names.begin(), names.end());
}

absl::StatusOr<std::string> Disk::Read(const std::string& path) {
  const auto it = files_.find(path);
  if (it == files_.end()) return absl::NotFoundError(absl::StrCat("open ", path, ": there is none"));
  return it->second;
}

absl::Status Disk::Write(const std::string& path, const std::string& contents) {
  if (absl::Status status = CheckSpace(path); !status.ok()) return status;
  files_[path] = contents;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileLock>> Disk::Lock(const std::string& path) {
  if (!locked_.insert(path).second) {
    return absl::FailedPreconditionError(absl::StrCat("lock ", path, ": another process holds it"));
  }
  files_.try_emplace(path);
  return std::make_unique<HeldLock>(this, path);
}

}  // namespace millrace::simulation
