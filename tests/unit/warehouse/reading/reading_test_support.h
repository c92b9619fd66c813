#ifndef MILLRACE_TESTS_UNIT_WAREHOUSE_READING_READING_TEST_SUPPORT_H_
#define MILLRACE_TESTS_UNIT_WAREHOUSE_READING_READING_TEST_SUPPORT_H_

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "landing/table_warehouse.h"
#include "landing_test_support.h"

namespace millrace::warehouse {

using TextRow = std::vector<std::optional<std::string>>;

/// All rows that a reader has.
inline std::vector<TextRow> RowsOf(RowReader* reader) {
  std::vector<TextRow> rows;
  while (true) {
    const auto count = reader->Read([&](const std::vector<NullableBytesView>& row) {
      TextRow& copy = rows.emplace_back();
      for (const NullableBytesView& value : row) copy.push_back(value ? std::optional<std::string>(*value) : std::nullopt);
    });
    EXPECT_TRUE(count.ok()) << count.status();
    if (!count.ok() || *count == 0) return rows;
  }
}

/// A warehouse into which payments are landed: payment `id` at `paid_s`, with the day of that in Berlin as the column day.
class ReadingFixture : public LandingFixture {
 protected:
  ReadingFixture() {
    description_.settings = {{"columns.day.date.from", "paid_at"}, {"time.zone", "Europe/Berlin"}};
    auto warehouse = TableWarehouse::Open(storage_, std::shared_ptr<Catalog>(std::shared_ptr<void>(), &catalog_), spool_, clock_);
    EXPECT_TRUE(warehouse.ok()) << warehouse.status();
    warehouse_ = *std::move(warehouse);
  }

  /// One commit. Payments without a time have no day.
  void Land(const std::vector<std::pair<int64_t, std::optional<int64_t>>>& payments, std::optional<int64_t> stream_time_ms) {
    auto landing = warehouse_->OpenLanding(description_);
    ASSERT_TRUE(landing.ok()) << landing.status();
    ASSERT_TRUE((*landing)->Positions().ok());
    const int64_t start = next_;
    for (const auto& [id, paid_s] : payments) {
      tshirt::v1::Payment payment;
      payment.set_payment_id(id);
      payment.set_amount_cents(100 * id);
      payment.set_currency("EUR");
      if (paid_s) payment.mutable_paid_at()->set_seconds(*paid_s);
      const std::string value = payment.SerializeAsString();
      const absl::Status appended = (*landing)->Append({0, next_++, now_ms_, BytesView("key"), BytesView(value)});
      ASSERT_TRUE(appended.ok()) << appended;
    }
    PositionRange range;
    range.start = start;
    range.end = next_;
    range.stream_time_ms = stream_time_ms;
    ASSERT_TRUE(*(*landing)->Commit({{0, range}}));
  }
  std::vector<TextRow> Read(std::vector<std::string> columns, std::optional<ReadDescription::Day> day = {},
                            std::optional<int64_t> snapshot = {}) {
    ReadDescription description;
    description.name_space = "shop";
    description.table = "payments";
    description.columns = std::move(columns);
    description.day = std::move(day);
    description.snapshot = snapshot;
    auto reader = warehouse_->ReadTable(description);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return reader.ok() ? RowsOf(reader->get()) : std::vector<TextRow>();
  }

  int64_t next_ = 0;  // offset
  std::unique_ptr<TableWarehouse> warehouse_;
};

// 2024-10-03T23:30:00Z, which is the 4th in Berlin.
inline constexpr int64_t kLateEvening = 1727998200;
inline constexpr int64_t kThird = 19999;  // 2024-10-03, since 1970
inline constexpr int64_t kHour = 3600;

}  // namespace millrace::warehouse

#endif  // MILLRACE_TESTS_UNIT_WAREHOUSE_READING_READING_TEST_SUPPORT_H_
