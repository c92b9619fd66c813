#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "metrics/process_memory.h"
#include "millrace/state/engine.h"
#include "millrace/state/serdes.h"
#include "millrace/state/store_memory.h"
#include "millrace/state/stores.h"
#include "streams/memory_plan.h"

// Needs no broker, but RocksDB, a disk and a build whose memory is that of production.

namespace millrace {
namespace {

constexpr int kStores = 120;
constexpr int64_t kBudget = int64_t{128} << 20;
// Of the program itself, which is there before.
constexpr int64_t kProgram = int64_t{32} << 20;
using Store = KeyValueStore<std::string, std::string>;
using Windows = WindowStore<std::string, std::string>;

class MemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    StreamsOptions options;
    options.memory_max_bytes = kBudget;
    plan_ = PlanMemory(options, {});
    memory_ = std::make_unique<StoreMemory>(plan_.stores_bytes);
    RocksDbOptions rocksdb;
    rocksdb.memory = MakeEngineMemory(plan_.rocksdb_bytes);
    engines_ = MakeRocksDbEngineFactory(directory_, rocksdb);
  }
  void TearDown() override {
    stores_.clear();
    std::filesystem::remove_all(directory_);
  }

  template <class Typed>
  void Open(const std::shared_ptr<const StoreBuilder>& builder, std::vector<Typed*>* to) {
    StoreContext context;
    context.record = &record_;
    context.error = &error_;
    context.engines = engines_.get();
    context.memory = memory_.get();
    stores_.push_back(builder->Build());
    ASSERT_EQ(stores_.back()->Open(context), absl::OkStatus());
    to->push_back(dynamic_cast<Typed*>(stores_.back().get()));
  }
  // What a worker does when too much waits for a commit.
  void CommitIfTooMuchIsDirty() {
    int64_t dirty = 0;
    for (const auto& store : stores_) dirty += store->dirty_bytes();
    if (dirty <= plan_.uncommitted_bytes_per_worker) return;
    for (const auto& store : stores_) ASSERT_EQ(store->Persist(++offset_), absl::OkStatus());
  }
  static int64_t Rss() { return *ReadProcessMemory().rss_bytes; }

  const std::string directory_ =
      testing::TempDir() + "/millrace-memory-" + std::to_string(testing::UnitTest::GetInstance()->random_seed());
  MemoryPlan plan_;
  std::unique_ptr<StoreMemory> memory_;
  std::unique_ptr<EngineFactory> engines_;
  std::vector<std::unique_ptr<StateStore>> stores_;
  RecordContext record_;
  FirstError error_;
  int64_t offset_ = 0;
};

// Several times as much state as memory, in many stores, written, overwritten and read at random places.
TEST_F(MemoryTest, ManyStoresGrowTheProcessByNoMoreThanTheBudget) {
  std::vector<Store*> first;
  StoreOptions any;
  any.name = "first";
  Open(KeyValueStoreBuilder<std::string, std::string>(any), &first);
  const int64_t before = Rss();
  std::vector<Store*> tables;
  std::vector<Windows*> windows;
  for (int i = 0; i < kStores; ++i) {
    StoreOptions options;
    options.name = "store-" + std::to_string(i);
    if (i % 3 != 0) {
      Open(KeyValueStoreBuilder<std::string, std::string>(options), &tables);
    } else {
      Open(WindowStoreBuilder<std::string, std::string>(
               {options, std::chrono::hours(1), std::chrono::seconds(10), /*retain_duplicates=*/true}),
           &windows);
    }
  }
  int64_t peak = Rss();
  int64_t read = 0;
  for (int round = 0; round < 400; ++round) {
    for (Store* table : tables) {
      for (int i = 0; i < 50; ++i) {
        const int key = round * 25 + i;  // each key twice
        table->Put("key-" + std::to_string(key * 7919 % 10'007), std::string(200, static_cast<char>('a' + key % 26)));
      }
      const std::string* value = table->Get("key-" + std::to_string(round * 31 % 10'007));
      read += value != nullptr ? static_cast<int64_t>(value->size()) : 0;
    }
    const Timestamp now = Timestamp::FromMillis(round * 1000);
    for (Windows* window : windows) {
      for (int i = 0; i < 25; ++i) window->Put("key-" + std::to_string(i), std::string(200, 'w'), now);
      for (auto it = window->Fetch("key-3", now - std::chrono::seconds(60), now); it->Valid(); it->Next()) ++read;
    }
    CommitIfTooMuchIsDirty();
    if (round % 10 == 0) peak = std::max(peak, Rss());
  }
  peak = std::max(peak, Rss());
  EXPECT_TRUE(error_.ok()) << error_.status();
  EXPECT_GT(read, 0);
  EXPECT_LE(memory_->used_bytes(), plan_.stores_bytes + plan_.uncommitted_bytes_per_worker);
  EXPECT_LE(peak - before, kBudget - kProgram) << "peak " << (peak - before) / 1024 << " KiB";
  RecordProperty("growth_kib", static_cast<int>((peak - before) / 1024));
}

}  // namespace
}  // namespace millrace
