#include <utility>

#include "absl/container/btree_map.h"
#include "millrace/state/engine.h"

namespace millrace {
namespace {

using Map = absl::btree_map<Bytes, Bytes, std::less<>>;

class MemoryIterator final : public EngineIterator {
 public:
  MemoryIterator(std::shared_ptr<const Map> map, const EngineRange& range, bool reverse)
      : map_(std::move(map)), reverse_(reverse) {
    begin_ = range.from ? map_->lower_bound(*range.from) : map_->begin();
    end_ = range.to ? map_->lower_bound(*range.to) : map_->end();
    if (range.from && range.to && *range.to < *range.from) end_ = begin_;
    at_ = reverse_ ? end_ : begin_;
    valid_ = begin_ != end_;
    if (valid_ && reverse_) --at_;
  }
  [[nodiscard]] bool Valid() const override { return valid_; }
  void Next() override {
    if (reverse_) {
      valid_ = at_ != begin_;
      if (valid_) --at_;
    } else {
      valid_ = ++at_ != end_;
    }
  }
  [[nodiscard]] BytesView key() const override { return at_->first; }
  [[nodiscard]] BytesView value() const override { return at_->second; }
  [[nodiscard]] absl::Status status() const override { return absl::OkStatus(); }

 private:
  std::shared_ptr<const Map> map_;
  Map::const_iterator begin_;
  Map::const_iterator end_;
  Map::const_iterator at_;
  bool reverse_;
  bool valid_ = false;
};

// Iterators hold the map that they walk; a write while one lives goes to a copy.
class MemoryEngine final : public KeyValueEngine {
 public:
  absl::StatusOr<bool> Get(BytesView key, Bytes* value) override { return Find(*data_, key, value); }
  absl::StatusOr<bool> GetMeta(BytesView key, Bytes* value) override { return Find(meta_, key, value); }
  absl::Status MultiGet(std::span<const BytesView> keys, std::vector<NullableBytes>* values) override {
    values->assign(keys.size(), std::nullopt);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (const auto it = data_->find(keys[i]); it != data_->end()) (*values)[i] = it->second;
    }
    return absl::OkStatus();
  }
  std::unique_ptr<EngineIterator> Scan(const EngineRange& range, bool reverse) override {
    return std::make_unique<MemoryIterator>(data_, range, reverse);
  }
  absl::Status Write(const WriteBatch& batch) override {
    if (data_.use_count() > 1) data_ = std::make_shared<Map>(*data_);
    for (size_t i = 0; i < batch.size(); ++i) Apply(batch[i]);
    return absl::OkStatus();
  }
  absl::Status Flush(bool) override { return absl::OkStatus(); }
  [[nodiscard]] int64_t written() const override { return 0; }
  [[nodiscard]] int64_t durable() const override { return 0; }
  [[nodiscard]] bool stopped() const override { return false; }
  [[nodiscard]] bool persistent() const override { return false; }
  [[nodiscard]] const std::string& location() const override { return location_; }

 private:
  static bool Find(const Map& map, BytesView key, Bytes* value) {
    const auto it = map.find(key);
    if (it == map.end()) return false;
    value->assign(it->second);
    return true;
  }
  static void Set(Map& map, BytesView key, BytesView value) {
    if (const auto it = map.find(key); it != map.end()) {
      it->second.assign(value);
    } else {
      map.emplace(Bytes(key), Bytes(value));
    }
  }
  void Apply(const WriteBatch::Entry& e) {
    switch (e.op) {
      case WriteBatch::Op::kPut:
        return Set(*data_, e.key, e.value);
      case WriteBatch::Op::kPutMeta:
        return Set(meta_, e.key, e.value);
      case WriteBatch::Op::kDelete:
        if (const auto it = data_->find(e.key); it != data_->end()) data_->erase(it);
        return;
      case WriteBatch::Op::kDeleteRange:
        if (e.key < e.value) data_->erase(data_->lower_bound(e.key), data_->lower_bound(e.value));
        return;
    }
  }

  std::shared_ptr<Map> data_ = std::make_shared<Map>();
  Map meta_;
  std::string location_ = "memory";
};

class MemoryEngineFactory final : public EngineFactory {
 public:
  absl::StatusOr<std::unique_ptr<KeyValueEngine>> Open(const std::string&, StoreKind) override {
    return std::make_unique<MemoryEngine>();
  }
};

}  // namespace

std::unique_ptr<EngineFactory> MakeMemoryEngineFactory() { return std::make_unique<MemoryEngineFactory>(); }

}  // namespace millrace
