#include "millrace/state/internal/duplicate_windows.h"

#include "fake_disk.h"
#include "test_support.h"

namespace millrace::internal {
namespace {

using state_test::TemporaryDirectory;

class DuplicateWindowsTest : public testing::Test {
 protected:
  void Open(int64_t limit = 1 << 20) {
    memory_ = std::make_unique<StoreMemory>(limit);
    StoreContext context;
    context.changelog = &changelog_;
    context.record = &record_;
    context.error = &error_;
    context.engines = engines_.get();
    context.memory = memory_.get();
    ASSERT_EQ(windows_.OpenOverlay(context), absl::OkStatus());
  }
  void Add(const std::string& key, const std::string& value, int64_t time) { windows_.Add(key, BytesView(value), time); }
  std::string Walk(const std::string& key, int64_t from, int64_t to) {
    std::string out;
    for (DuplicateWindowsCursor it(&windows_, key, from, to); it.Valid(); it.Next()) {
      out += std::to_string(it.time()) + "=" + std::string(it.value()) + " ";
    }
    return out;
  }
  size_t InEngine() {
    size_t entries = 0;
    for (auto it = windows_.engine().Scan({}, false); it->Valid(); it->Next()) ++entries;
    return entries;
  }

  state_test::RecordingChangelog changelog_;
  RecordContext record_;
  FirstError error_;
  std::unique_ptr<EngineFactory> engines_ = MakeMemoryEngineFactory();
  std::unique_ptr<StoreMemory> memory_;
  DuplicateWindows windows_{"windows", StoreKind::kPersistent, WindowLayout{1000, 10}};
};

TEST_F(DuplicateWindowsTest, WhatExpiresWhileTheDiskIsFullLeavesTheEngineAfterwards) {
  state_test::FakeDisk disk;
  engines_ = std::make_unique<state_test::FakeEngines>(&disk);
  Open();
  Add("a", "old", 1);
  ASSERT_EQ(windows_.Persist(1), absl::OkStatus());
  Add("a", "new", 1'000'000);
  disk.full = true;
  EXPECT_EQ(windows_.Persist(2).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(InEngine(), 1U);
  EXPECT_GT(windows_.dirty_bytes, 0);
  disk.full = false;
  EXPECT_EQ(windows_.Persist(2), absl::OkStatus());
  EXPECT_EQ(InEngine(), 1U) << "the new one";
  EXPECT_EQ(Walk("a", 0, 2'000'000), "1000000=new ");
}

TEST_F(DuplicateWindowsTest, LateWindowsTakeTheirPlaceAmongThoseOfTheirKey) {
  Open();
  Add("a", "3", 30);
  Add("a", "1", 10);
  Add("b", "x", 15);
  Add("a", "2", 20);
  Add("a", "2b", 20);
  Add("a", "4", 40);
  EXPECT_EQ(Walk("a", 0, 100), "10=1 20=2 20=2b 30=3 40=4 ");
  EXPECT_EQ(Walk("a", 11, 30), "20=2 20=2b 30=3 ");
  EXPECT_EQ(Walk("b", 0, 100), "15=x ");
  EXPECT_EQ(Walk("c", 0, 100), "");
}

TEST_F(DuplicateWindowsTest, WhatExpiresBeforeItIsPersistedNeverReachesTheEngineNorStaysInMemory) {
  Open();
  for (int i = 0; i < 100'000; ++i) {
    Add("key-" + std::to_string(i % 1000), std::string(50, 'v'), i);
    ASSERT_LT(windows_.memory_bytes(), 400'000) << i;
  }
  EXPECT_LT(windows_.dirty_bytes, 300'000);
  ASSERT_EQ(windows_.Persist(100'000), absl::OkStatus());
  EXPECT_EQ(InEngine(), 1000U);
  EXPECT_EQ(windows_.dirty_bytes, 0);
  EXPECT_EQ(changelog_.records.size(), 100'000U);
}

TEST_F(DuplicateWindowsTest, OverTheLimitPersistedWindowsAreReadFromTheEngine) {
  Open(20'000);
  for (int i = 0; i < 900; ++i) Add(i % 2 == 0 ? "a" : "b", std::string(100, 'v'), i);
  EXPECT_GT(windows_.memory_bytes(), 100'000) << "nothing may go before it is persisted";
  ASSERT_EQ(windows_.Persist(900), absl::OkStatus());
  EXPECT_LE(windows_.memory_bytes(), 20'000);
  Add("a", "late", 101);
  windows_.Trim();
  EXPECT_EQ(Walk("a", 100, 102), "100=" + std::string(100, 'v') + " 101=late 102=" + std::string(100, 'v') + " ");
  size_t all = 0;
  for (DuplicateWindowsCursor it(&windows_, 0, 1000); it.Valid(); it.Next()) ++all;
  EXPECT_EQ(all, 901U);
}

TEST_F(DuplicateWindowsTest, ACursorKeepsWhatItShowsWhileTimeGoesOn) {
  Open();
  Add("a", "old", 1);
  {
    DuplicateWindowsCursor it(&windows_, "a", 0, 10);
    for (int i = 0; i < 10'000; ++i) Add("b", std::string(50, 'v'), 2000 + i);
    ASSERT_EQ(windows_.Persist(1), absl::OkStatus());
    ASSERT_TRUE(it.Valid());
    EXPECT_EQ(it.value(), "old");
  }
  ASSERT_EQ(windows_.Persist(1), absl::OkStatus());
  EXPECT_LT(windows_.memory_bytes(), 400'000);
}

TEST_F(DuplicateWindowsTest, AValueLargerThanAChunkIsTaken) {
  Open();
  Add("a", std::string(1 << 20, 'x'), 1);
  Add("a", "small", 2);
  EXPECT_EQ(Walk("a", 1, 1).size(), (1U << 20) + 3);
  EXPECT_EQ(Walk("a", 2, 2), "2=small ");
}

TEST_F(DuplicateWindowsTest, SegmentsPastTheRetentionAreDeletedFromTheEngine) {
  Open();
  Add("a", "1", 1);
  ASSERT_EQ(windows_.Persist(1), absl::OkStatus());
  EXPECT_EQ(InEngine(), 1U);
  Add("a", "2", 200'000);
  ASSERT_EQ(windows_.Persist(2), absl::OkStatus());
  EXPECT_EQ(InEngine(), 1U);
  EXPECT_EQ(Walk("a", 0, 300'000), "200000=2 ");
}

}  // namespace
}  // namespace millrace::internal
