#include "test_support.h"

namespace millrace {
namespace {

using state_test::At;
using state_test::Hex;
using state_test::Task;
using testing::ElementsAre;

using Store = OuterJoinStore<std::string, std::string, int64_t>;

std::shared_ptr<const StoreBuilder> Builder() {
  return OuterJoinStoreBuilder<std::string, std::string, int64_t>(state_test::Named("waiting"));
}

std::string Text(const Store::Entry& e) {
  return std::to_string(e.timestamp.millis()) + (e.left ? " left " : " right ") + e.key + "=" +
         (e.left ? *e.left_value : std::to_string(*e.right_value));
}

std::vector<std::string> Walk(Store* store) {
  std::vector<std::string> out;
  for (auto cursor = store->All(); cursor->Valid(); cursor->Next()) out.push_back(Text(cursor->entry()));
  return out;
}

class OuterJoinStoreContract : public testing::TestWithParam<bool> {
 protected:
  OuterJoinStoreContract() : task_(GetParam()), store_(task_.Open<Store>(*Builder())) {}
  Task task_;
  Store* store_;
};

TEST_P(OuterJoinStoreContract, OrdersByTimestampThenRightBeforeLeftThenKeyThenInsertion) {
  EXPECT_TRUE(store_->Empty());
  store_->PutLeft("b", At(2), "l1");
  store_->PutLeft("a", At(2), "l2");
  store_->PutRight("z", At(2), 3);
  store_->PutLeft("z", At(1), "l4");
  store_->PutLeft("a", At(2), "l5");
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(store_->Empty());
    EXPECT_THAT(Walk(store_), ElementsAre("1 left z=l4", "2 right z=3", "2 left a=l2", "2 left a=l5", "2 left b=l1"));
    task_.Commit(5);
  }
}

TEST_P(OuterJoinStoreContract, ChangelogHasJavasListLayoutAndTheRecordsTimestamp) {
  Headers headers;
  headers.Add("trace", "7");
  task_.At(9, &headers);
  store_->PutLeft("C", At(0), "a2");
  store_->PutLeft("C", At(0), "b");
  task_.At(10);
  store_->Delete("C", At(0), true);
  ASSERT_EQ(task_.changelog.records.size(), 3U);
  EXPECT_EQ(Hex(task_.changelog.records[0].key), "00000000000000000143");
  EXPECT_EQ(Hex(*task_.changelog.records[0].value), "010000000100000003016132");
  EXPECT_EQ(Hex(*task_.changelog.records[1].value), "010000000200000003016132000000020162");
  EXPECT_EQ(task_.changelog.records[2].value, std::nullopt);
  EXPECT_THAT(task_.changelog.lines[0], testing::EndsWith("@9"));
  EXPECT_THAT(task_.changelog.lines[2], testing::EndsWith("@10"));
}

TEST_P(OuterJoinStoreContract, DeletingWhatIsAbsentLogsNothing) {
  store_->PutRight("a", At(1), 1);
  store_->Delete("a", At(1), true);
  store_->Delete("a", At(2), false);
  EXPECT_EQ(task_.changelog.lines.size(), 1U);
  store_->Delete("a", At(1), false);
  EXPECT_EQ(task_.changelog.lines.size(), 2U);
  EXPECT_TRUE(store_->Empty());
}

TEST_P(OuterJoinStoreContract, AWalkMayDeleteAndPutWithoutSeeingIt) {
  for (int i = 0; i < 3; ++i) store_->PutLeft("a", At(i / 2), std::to_string(i));
  task_.Commit(3);
  store_->PutRight("b", At(5), 5);
  std::vector<std::string> seen;
  for (auto cursor = store_->All(); cursor->Valid(); cursor->Next()) {
    seen.push_back(Text(cursor->entry()));
    store_->Delete(cursor->entry().key, cursor->entry().timestamp, cursor->entry().left);
    store_->PutLeft("new", At(4), "x");
  }
  EXPECT_THAT(seen, ElementsAre("0 left a=0", "0 left a=1", "1 left a=2", "5 right b=5"));
  EXPECT_EQ(Walk(store_).size(), 4U);
}

TEST_P(OuterJoinStoreContract, AChangelogRestoresAnotherStoreToTheSameContent) {
  store_->PutLeft("a", At(1), "x");
  store_->PutLeft("a", At(1), "y");
  store_->PutRight("b", At(2), 7);
  store_->Delete("b", At(2), false);
  Task other(GetParam());
  auto* restored = other.Open<Store>(*Builder());
  ASSERT_EQ(task_.changelog.RestoreInto(restored), absl::OkStatus());
  EXPECT_THAT(Walk(restored), ElementsAre("1 left a=x", "1 left a=y"));
  restored->PutLeft("a", At(1), "z");
  EXPECT_THAT(Walk(restored), ElementsAre("1 left a=x", "1 left a=y", "1 left a=z"));
}

TEST_P(OuterJoinStoreContract, ADamagedListFailsTheTask) {
  const Bytes key("\0\0\0\0\0\0\0\1\1a", 10);
  const std::vector<ChangelogRecord> records = {{key, BytesView("\1\0\0\0\1\0\0\0\x7f\1", 10), At(0)}};
  ASSERT_EQ(store_->Restore(records, 1), absl::OkStatus());
  EXPECT_TRUE(Walk(store_).empty());
  EXPECT_FALSE(task_.error.ok());
}

INSTANTIATE_TEST_SUITE_P(Engines, OuterJoinStoreContract, testing::Bool(),
                         [](const auto& info) { return info.param ? std::string("RocksDb") : std::string("Memory"); });

}  // namespace
}  // namespace millrace
