#include "millrace/state/store_memory.h"

#include <optional>
#include <utility>
#include <vector>

#include "test_support.h"

namespace millrace {
namespace {

using Account = StoreMemory::Account;

TEST(StoreMemory, AStoreMayHoldWhatOthersLeaveUnused) {
  StoreMemory memory(1000);
  Account a(&memory);
  Account b(&memory);
  EXPECT_EQ(memory.stores(), 2);
  EXPECT_EQ(memory.share_bytes(), 500);
  EXPECT_EQ(a.Limit(600), 1000);
  EXPECT_EQ(b.Limit(100), 500) << "its share, though the other has taken from it";
  EXPECT_EQ(a.Limit(600), 900) << "what the other uses is not there any more";
}

TEST(StoreMemory, WhenFullEachGoesBackToItsShare) {
  StoreMemory memory(1000);
  Account a(&memory);
  Account b(&memory);
  EXPECT_EQ(a.Limit(900), 1000);
  EXPECT_EQ(b.Limit(500), 500);
  EXPECT_EQ(a.Limit(900), 500);
  EXPECT_EQ(a.Limit(500), 500);
  EXPECT_EQ(memory.used_bytes(), 1000);
}

TEST(StoreMemory, StoresThatCloseLeaveTheirPart) {
  StoreMemory memory(1000);
  Account a(&memory);
  {
    Account b(&memory);
    EXPECT_EQ(b.Limit(800), 1000);
    EXPECT_EQ(a.Limit(0), 500);
  }
  EXPECT_EQ(memory.stores(), 1);
  EXPECT_EQ(memory.used_bytes(), 0);
  EXPECT_EQ(a.Limit(0), 1000);
}

TEST(StoreMemory, AnAccountMovesWithWhatItHasReported) {
  StoreMemory memory(1000);
  Account a(&memory);
  a.Report(300);
  Account b = std::move(a);
  a = Account();
  EXPECT_EQ(memory.stores(), 1);
  EXPECT_EQ(memory.used_bytes(), 300);
  b = Account();
  EXPECT_EQ(memory.stores(), 0);
  EXPECT_EQ(memory.used_bytes(), 0);
}

TEST(StoreMemory, SmallChangesAreReportedTogether) {
  StoreMemory memory(64 * 64 * 100);
  Account a(&memory);
  a.Report(6000);
  EXPECT_EQ(memory.used_bytes(), 0);
  a.Report(6401);
  EXPECT_EQ(memory.used_bytes(), 6401);
  a.Report(6400);
  EXPECT_EQ(memory.used_bytes(), 6401);
  EXPECT_EQ(a.Limit(6400), 64 * 64 * 100);
}

TEST(StoreMemory, WithoutMemoryToShareThereIsNoLimit) {
  Account a;
  a.Report(1 << 30);
  EXPECT_EQ(a.Limit(1 << 30), std::numeric_limits<int64_t>::max());
}

// Idle stores have taken what was free; those that come later get their share all the same, and the idle ones give theirs back.
TEST(StoreMemory, ManyStoresTogetherStayInTheLimit) {
  constexpr int kStores = 20;
  constexpr int64_t kLimit = 400'000;
  StoreMemory memory(kLimit);
  const state_test::TemporaryDirectory directory;
  RecordContext record;
  FirstError error;
  const auto engines = MakeMemoryEngineFactory();
  std::vector<std::unique_ptr<StateStore>> stores;
  const auto used = [&] {
    int64_t bytes = 0;
    for (const auto& store : stores) bytes += store->memory_bytes();
    return bytes;
  };
  for (int i = 0; i < kStores; ++i) {
    StoreContext context;
    context.record = &record;
    context.error = &error;
    context.engines = engines.get();
    context.memory = &memory;
    stores.push_back(KeyValueStoreBuilder<std::string, std::string>(state_test::Named("s" + std::to_string(i)))->Build());
    ASSERT_EQ(stores.back()->Open(context), absl::OkStatus());
    auto* store = dynamic_cast<KeyValueStore<std::string, std::string>*>(stores.back().get());
    for (int k = 0; k < 1000; ++k) {
      store->Put("key" + std::to_string(k), std::string(50, 'v'));
      if (k % 50 != 49) continue;
      ASSERT_EQ(store->Persist(k), absl::OkStatus());
    }
    for (const auto& other : stores) other->Trim();
    EXPECT_LE(used(), kLimit * 105 / 100) << i;
  }
  EXPECT_GE(used(), kLimit / 2);
  EXPECT_TRUE(error.ok());
}

}  // namespace
}  // namespace millrace
