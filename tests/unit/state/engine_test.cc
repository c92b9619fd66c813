#include <chrono>
#include <fstream>
#include <thread>

#include "test_support.h"

namespace millrace {
namespace {

using state_test::TemporaryDirectory;

class EngineContract : public testing::TestWithParam<bool> {
 protected:
  EngineContract() {
    factory_ = GetParam() ? MakeRocksDbEngineFactory(directory_.path()) : MakeMemoryEngineFactory();
    auto engine = factory_->Open("store", StoreKind::kPersistent);
    EXPECT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }
  void Write(std::vector<std::pair<std::string, std::string>> entries) {
    WriteBatch batch;
    for (const auto& [key, value] : entries) batch.Put(key, value);
    ASSERT_EQ(engine_->Write(batch), absl::OkStatus());
  }
  static std::string Rest(EngineIterator* it) {
    std::string out;
    for (; it->Valid(); it->Next()) out += std::string(it->key()) + "=" + std::string(it->value()) + " ";
    EXPECT_EQ(it->status(), absl::OkStatus());
    return out;
  }
  std::string Scan(std::optional<Bytes> from, std::optional<Bytes> to, bool reverse = false) {
    return Rest(engine_->Scan({from, to}, reverse).get());
  }

  TemporaryDirectory directory_;
  std::unique_ptr<EngineFactory> factory_;
  std::unique_ptr<KeyValueEngine> engine_;
};

TEST_P(EngineContract, GetTellsAbsentFromEmpty) {
  Write({{"a", ""}, {std::string("\0", 1), "zero"}});
  Bytes value = "before";
  EXPECT_TRUE(*engine_->Get("a", &value));
  EXPECT_EQ(value, "");
  EXPECT_TRUE(*engine_->Get(BytesView("\0", 1), &value));
  EXPECT_EQ(value, "zero");
  EXPECT_FALSE(*engine_->Get("b", &value));
}

TEST_P(EngineContract, MultiGetAnswersInOrder) {
  Write({{"a", "1"}, {"c", "3"}});
  std::vector<NullableBytes> values;
  const std::vector<BytesView> keys = {"c", "b", "a"};
  ASSERT_EQ(engine_->MultiGet(keys, &values), absl::OkStatus());
  EXPECT_THAT(values, testing::ElementsAre("3", std::nullopt, "1"));
}

TEST_P(EngineContract, ScansRespectBoundsBothWays) {
  Write({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"\xff", "9"}});
  EXPECT_EQ(Scan(std::nullopt, std::nullopt), "a=1 b=2 c=3 \xff=9 ");
  EXPECT_EQ(Scan(std::nullopt, std::nullopt, true), "\xff=9 c=3 b=2 a=1 ");
  EXPECT_EQ(Scan("b", "c"), "b=2 ");
  EXPECT_EQ(Scan("b", "d", true), "c=3 b=2 ");
  EXPECT_EQ(Scan("c", "b"), "");
  EXPECT_EQ(Scan("c", "c"), "");
  EXPECT_EQ(Scan(std::nullopt, "a"), "");
}

TEST_P(EngineContract, AScanShowsTheEngineAsOfItsCreation) {
  Write({{"a", "1"}, {"b", "2"}});
  const std::unique_ptr<EngineIterator> it = engine_->Scan({}, false);
  Write({{"b", "changed"}, {"c", "new"}});
  EXPECT_EQ(Rest(it.get()), "a=1 b=2 ");
  EXPECT_EQ(Scan(std::nullopt, std::nullopt), "a=1 b=changed c=new ");
}

TEST_P(EngineContract, ABatchAppliesInOrderRangesIncluded) {
  Write({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  WriteBatch batch;
  batch.DeleteRange("a", "c");
  batch.Put("b", "again");
  batch.Delete("c");
  batch.DeleteRange("z", "a");
  ASSERT_EQ(engine_->Write(batch), absl::OkStatus());
  EXPECT_EQ(Scan(std::nullopt, std::nullopt), "b=again ");
}

TEST_P(EngineContract, MetadataIsNotData) {
  WriteBatch batch;
  batch.PutMeta("k", "meta");
  batch.Put("k", "data");
  ASSERT_EQ(engine_->Write(batch), absl::OkStatus());
  Bytes value;
  EXPECT_TRUE(*engine_->GetMeta("k", &value));
  EXPECT_EQ(value, "meta");
  EXPECT_EQ(Scan(std::nullopt, std::nullopt), "k=data ");
  EXPECT_FALSE(*engine_->GetMeta("other", &value));
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineContract, testing::Bool(),
                         [](const auto& info) { return info.param ? std::string("RocksDb") : std::string("Memory"); });

TEST(RocksDbEngine, KeepsWhatWasWrittenWhenOpenedAgain) {
  const TemporaryDirectory directory;
  const auto factory = MakeRocksDbEngineFactory(directory.path());
  {
    auto engine = factory->Open("s", StoreKind::kPersistent);
    WriteBatch batch;
    batch.Put("a", "1");
    ASSERT_EQ((*engine)->Write(batch), absl::OkStatus());
    EXPECT_TRUE((*engine)->persistent());
  }
  auto engine = factory->Open("s", StoreKind::kPersistent);
  ASSERT_TRUE(engine.ok()) << engine.status();
  Bytes value;
  EXPECT_TRUE(*(*engine)->Get("a", &value));
}

TEST(RocksDbEngine, InMemoryStoresGetNoDirectory) {
  const TemporaryDirectory directory;
  const auto engine = MakeRocksDbEngineFactory(directory.path())->Open("s", StoreKind::kInMemory);
  ASSERT_TRUE(engine.ok());
  EXPECT_FALSE((*engine)->persistent());
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/s"));
}

void ExpectDataLoss(const std::string& directory) {
  const auto engine = MakeRocksDbEngineFactory(directory)->Open("orders", StoreKind::kPersistent);
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kDataLoss) << engine.status();
  EXPECT_THAT(std::string(engine.status().message()), testing::HasSubstr("'orders'"));
  EXPECT_THAT(std::string(engine.status().message()), testing::HasSubstr(directory + "/orders"));
}

TEST(RocksDbEngine, AForeignDirectoryIsDataLossAndStaysAsItIs) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() + "/orders");
  std::ofstream(directory.path() + "/orders/letter.txt") << "not ours";
  ExpectDataLoss(directory.path());
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/orders/letter.txt"));
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/orders/CURRENT"));
}

TEST(RocksDbEngine, ADamagedDatabaseIsDataLoss) {
  for (const std::string damaged : {"CURRENT", "MANIFEST", ".sst"}) {
    const TemporaryDirectory directory;
    {
      auto engine = MakeRocksDbEngineFactory(directory.path())->Open("orders", StoreKind::kPersistent);
      WriteBatch batch;
      batch.Put("a", "1");
      ASSERT_EQ((*engine)->Write(batch), absl::OkStatus());
    }
    int found = 0;
    for (const auto& file : std::filesystem::directory_iterator(directory.path() + "/orders")) {
      if (file.path().filename().string().find(damaged) == std::string::npos) continue;
      ++found;
      if (damaged == ".sst") {
        std::filesystem::remove(file.path());
      } else {
        std::ofstream(file.path(), std::ios::trunc) << "garbage";
      }
    }
    EXPECT_GE(found, 1) << damaged;
    ExpectDataLoss(directory.path());
  }
}

std::string ManyKey(int i) { return "key" + std::to_string(100'000 + i); }

// Opening reads the ends of the files only.
TEST(RocksDbEngine, ADamagedBlockIsDataLossWhenItIsRead) {
  constexpr int kKeys = 20'000;
  const TemporaryDirectory directory;
  {
    auto engine = MakeRocksDbEngineFactory(directory.path())->Open("orders", StoreKind::kPersistent);
    WriteBatch batch;
    for (int i = 0; i < kKeys; ++i) batch.Put(ManyKey(i), std::string(100, 'x'));
    ASSERT_EQ((*engine)->Write(batch), absl::OkStatus());
  }
  ASSERT_EQ(state_test::FlipInTables(directory.path() + "/orders"), 1);
  const auto opened = MakeRocksDbEngineFactory(directory.path())->Open("orders", StoreKind::kPersistent);
  ASSERT_TRUE(opened.ok()) << opened.status();
  KeyValueEngine& engine = **opened;
  int damaged = 0;
  absl::Status error;
  Bytes value;
  for (int i = 0; i < kKeys; ++i) {
    const auto found = engine.Get(ManyKey(i), &value);
    if (found.ok()) continue;
    ++damaged;
    error = found.status();
    std::vector<NullableBytes> values;
    const std::string key = ManyKey(i);
    EXPECT_EQ(engine.MultiGet(std::vector<BytesView>{key}, &values).code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_GE(damaged, 1);
  EXPECT_LE(damaged, 100) << "the rest can be read";
  for (const bool reverse : {false, true}) {
    const auto it = engine.Scan({}, reverse);
    while (it->Valid()) it->Next();
    EXPECT_EQ(it->status().code(), absl::StatusCode::kDataLoss) << it->status();
  }
  EXPECT_EQ(error.code(), absl::StatusCode::kDataLoss) << error;
  EXPECT_THAT(std::string(error.message()), testing::HasSubstr("'orders'"));
  EXPECT_THAT(std::string(error.message()), testing::HasSubstr(directory.path() + "/orders"));
}

// Nobody reads the block, but RocksDB does, to write its files anew.
TEST(RocksDbEngine, DamageThatACompactionMeetsIsDataLossOfTheNextWrite) {
  const TemporaryDirectory directory;
  const auto write = [](KeyValueEngine* engine) {
    WriteBatch batch;
    for (int i = 0; i < 2000; ++i) batch.Put(ManyKey(i), std::string(100, 'x'));
    absl::Status status = engine->Write(batch);
    return status.ok() ? engine->Flush(true) : status;
  };
  {
    auto engine = *MakeRocksDbEngineFactory(directory.path())->Open("orders", StoreKind::kPersistent);
    ASSERT_EQ(write(engine.get()), absl::OkStatus());
  }
  ASSERT_EQ(state_test::FlipInTables(directory.path() + "/orders"), 1);
  const auto engine = *MakeRocksDbEngineFactory(directory.path())->Open("orders", StoreKind::kPersistent);
  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    if (i < 10 || engine->stopped()) status = write(engine.get());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(engine->stopped());
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(write(engine.get()).code(), absl::StatusCode::kDataLoss) << "it stays so";
}

TEST(RocksDbEngine, TellsWhatACrashWouldLeave) {
  const TemporaryDirectory directory;
  auto engine = *MakeRocksDbEngineFactory(directory.path())->Open("s", StoreKind::kPersistent);
  const auto write = [&](const std::string& key) {
    WriteBatch batch;
    batch.Put(key, "1");
    ASSERT_EQ(engine->Write(batch), absl::OkStatus());
  };
  write("a");
  const int64_t a = engine->written();
  EXPECT_LT(engine->durable(), a);
  ASSERT_EQ(engine->Flush(true), absl::OkStatus());
  EXPECT_EQ(engine->durable(), a);
  write("b");
  EXPECT_GT(engine->written(), a);
  EXPECT_EQ(engine->durable(), a);
  EXPECT_FALSE(engine->stopped());

  state_test::CopyAsLeftByACrash(directory.path() + "/s", directory.path() + "/left");
  const auto left = *MakeRocksDbEngineFactory(directory.path())->Open("left", StoreKind::kPersistent);
  Bytes value;
  EXPECT_TRUE(*left->Get("a", &value));
  EXPECT_FALSE(*left->Get("b", &value));
  EXPECT_EQ(left->written(), left->durable()) << "what was found is on the disk";
  const int64_t b = engine->written();
  engine.reset();
  engine = *MakeRocksDbEngineFactory(directory.path())->Open("s", StoreKind::kPersistent);
  EXPECT_EQ(engine->durable(), b) << "a close flushes";
}

TEST(RocksDbEngine, AStoreOpenTwiceIsAnErrorButNoDataLoss) {
  const TemporaryDirectory directory;
  const auto factory = MakeRocksDbEngineFactory(directory.path());
  const auto first = factory->Open("s", StoreKind::kPersistent);
  const auto second = factory->Open("s", StoreKind::kPersistent);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().code(), absl::StatusCode::kDataLoss);
}

TEST(RocksDbEngine, TellsHowMuchOfTheSharedMemoryIsInUse) {
  const TemporaryDirectory directory;
  RocksDbOptions options;
  options.memory = MakeEngineMemory(64 << 20);
  const auto factory = MakeRocksDbEngineFactory(directory.path(), options);
  const auto engine = factory->Open("s", StoreKind::kPersistent);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const int64_t before = EngineMemoryBytes(*options.memory);
  for (int i = 0; i < 20; ++i) {
    WriteBatch batch;
    batch.Put("key" + std::to_string(i), std::string(100'000, 'x'));
    ASSERT_EQ((*engine)->Write(batch), absl::OkStatus());
  }
  EXPECT_GT(EngineMemoryBytes(*options.memory), before + 1'500'000);
  EXPECT_LT(EngineMemoryBytes(*options.memory), 64 << 20);
}

}  // namespace
}  // namespace millrace
