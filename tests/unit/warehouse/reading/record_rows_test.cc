#include "reading/record_rows.h"

#include "reading_test_support.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RecordRowsTest : public ReadingFixture {
 protected:
  std::unique_ptr<RecordRows> Open(const std::vector<std::string>& columns) {
    auto rows = OpenRecordRows(description_, columns);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() ? *std::move(rows) : nullptr;
  }
};

TEST_F(RecordRowsTest, RecordsBecomeTheRowsThatATableOfThemHas) {
  description_.settings["columns._key"] = "string";
  Land({{1, kLateEvening}, {2, std::nullopt}}, std::nullopt);
  auto rows = Open({});
  const std::string paid = [] {
    tshirt::v1::Payment payment;
    payment.ParseFromString(Payment(1));
    payment.mutable_paid_at()->set_seconds(kLateEvening);
    return payment.SerializeAsString();
  }();
  const std::string unpaid = Payment(2);
  ASSERT_TRUE(rows->Append(0, 0, now_ms_, BytesView("key"), BytesView(paid)).ok());
  ASSERT_TRUE(rows->Append(0, 1, now_ms_, BytesView("key"), BytesView(unpaid)).ok());
  EXPECT_GT(rows->pending_bytes(), 0);
  EXPECT_EQ(RowsOf(rows.get()), Read({}));
  EXPECT_THAT(RowsOf(rows.get()), IsEmpty());
}

TEST_F(RecordRowsTest, ARecordThatIsNoRowLeavesTheOthers) {
  auto rows = Open({"payment_id", "_topic_partition", "_offset"});
  const std::string first = Payment(1);
  const std::string second = Payment(2);
  ASSERT_TRUE(rows->Append(3, 10, now_ms_, std::nullopt, BytesView(first)).ok());
  EXPECT_EQ(rows->Append(3, 11, now_ms_, std::nullopt, BytesView("\xFF")).code(), absl::StatusCode::kInvalidArgument);
  const absl::Status deleted = rows->Append(3, 12, now_ms_, BytesView("key"), std::nullopt);
  EXPECT_EQ(deleted.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(deleted.message()), HasSubstr("no value"));
  ASSERT_TRUE(rows->Append(3, 13, now_ms_, std::nullopt, BytesView(second)).ok());
  EXPECT_THAT(RowsOf(rows.get()), ElementsAre(TextRow{"1", "3", "10"}, TextRow{"2", "3", "13"}));
}

TEST_F(RecordRowsTest, SaysWhatCannotBe) {
  EXPECT_EQ(OpenRecordRows(description_, {"amount"}).status().code(), absl::StatusCode::kNotFound);
  description_.message = "millrace.tshirt.v1.Nothing";
  EXPECT_EQ(OpenRecordRows(description_, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace millrace::warehouse
