#include "cli/export_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "log/embedded/embedded_log.h"

namespace millrace {
namespace {

using testing::HasSubstr;

/// Rows that were made before.
class SomeRows final : public warehouse::RecordRows {
 public:
  SomeRows() {
    for (const char* name : {"day", "note"}) {
      warehouse::ColumnInfo& column = columns_.emplace_back();
      column.name = name;
      column.type = "string";
    }
  }
  [[nodiscard]] const std::vector<warehouse::ColumnInfo>& columns() const override { return columns_; }
  absl::StatusOr<int64_t> Read(TakeRow take) override {
    for (const auto& row : rows) take({row.first, row.second});
    const auto count = static_cast<int64_t>(rows.size());
    rows.clear();
    return count;
  }
  absl::Status Append(int32_t partition, int64_t offset, int64_t /*timestamp_ms*/, NullableBytesView /*key*/,
                      NullableBytesView value) override {
    if (!value) return absl::InvalidArgumentError("it has no value");
    rows.emplace_back(std::to_string(partition) + "/" + std::to_string(offset), std::string(*value));
    return absl::OkStatus();
  }
  [[nodiscard]] int64_t pending_bytes() const override { return static_cast<int64_t>(rows.size()); }

  std::vector<std::pair<std::string, std::string>> rows;

 private:
  std::vector<warehouse::ColumnInfo> columns_;
};

/// One table with notes by day.
class Notes final : public warehouse::Warehouse {
 public:
  absl::StatusOr<std::unique_ptr<warehouse::TableLanding>> OpenLanding(const warehouse::LandingDescription&) override {
    return absl::UnimplementedError("only read");
  }
  absl::StatusOr<std::vector<warehouse::TableInfo>> Tables() override { return std::vector<warehouse::TableInfo>(); }
  absl::StatusOr<std::vector<std::string>> TablesLandedBy(const std::string&) override { return std::vector<std::string>(); }
  absl::Status ResetPositions(const std::string&, bool) override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<warehouse::RowReader>> ReadTable(const warehouse::ReadDescription& description) override {
    if (!error.ok()) return error;
    auto reader = std::make_unique<SomeRows>();
    for (const auto& [day, notes] : days) {
      if (description.day && description.day->day != day) continue;
      for (const std::string& note : notes) reader->rows.emplace_back(std::to_string(day), note);
    }
    return reader;
  }
  absl::StatusOr<warehouse::TableDays> Days(const std::string&, const std::string&, const std::string& column) override {
    EXPECT_EQ(column, "day");
    warehouse::TableDays result;
    result.time_zone = "UTC";
    result.last_complete = last_complete;
    if (!days.empty()) result.first = days.begin()->first;
    return result;
  }

  std::map<int64_t, std::vector<std::string>> days;
  std::optional<int64_t> last_complete;
  absl::Status error;
};

class ExportCsvTest : public testing::Test {
 protected:
  ExportCsvTest() {
    std::filesystem::create_directories(folder_);
    daily_.folder = folder_ + "/daily";
    daily_.column = "day";
  }
  ~ExportCsvTest() override { std::filesystem::remove_all(folder_); }

  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// What it says.
  std::string Daily(bool whole = true) {
    testing::internal::CaptureStdout();
    const auto done = ExportDays(&notes_, "shop", "notes", daily_);
    std::string said = testing::internal::GetCapturedStdout();
    EXPECT_TRUE(done.ok()) << done.status();
    EXPECT_EQ(done.ok() && *done, whole) << said;
    return said;
  }
  [[nodiscard]] std::string DayFile(const std::string& day) const { return daily_.folder + "/notes-" + day + ".csv"; }
  [[nodiscard]] bool HasDay(const std::string& day) const { return std::filesystem::exists(DayFile(day)); }

  const std::string folder_ = testing::TempDir() + "export_csv_test";
  const std::string path_ = folder_ + "/out.csv";
  Notes notes_;
  DailyOptions daily_;
};

TEST_F(ExportCsvTest, WritesATable) {
  notes_.days = {{0, {"=1", "a,b"}}, {1, {""}}};
  const auto rows = ExportTable(&notes_, {}, {}, path_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(*rows, 3);
  EXPECT_EQ(Content(path_), "day,note\r\n0,'=1\r\n0,\"a,b\"\r\n1,\"\"\r\n");
  CsvOptions options;
  options.byte_order_mark = true;
  options.raw = true;
  ASSERT_TRUE(ExportTable(&notes_, {}, options, path_).ok());
  EXPECT_EQ(Content(path_),
            "\xEF\xBB\xBF"
            "day,note\r\n0,=1\r\n0,\"a,b\"\r\n1,\"\"\r\n");
}

TEST_F(ExportCsvTest, AnErrorLeavesNoFile) {
  notes_.error = absl::DataLossError("damaged");
  EXPECT_EQ(ExportTable(&notes_, {}, {}, path_).status(), notes_.error);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ExportCsvTest, WritesATopicAndEndsAtARecordThatIsNoRow) {
  log::embedded::EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("orders", 1).ok());
  const auto client = log.NewClient();
  const auto write = [&](NullableBytesView value) {
    ASSERT_TRUE(log.Append("orders", 0, std::nullopt, value, Timestamp::FromMillis(1)).ok());
  };
  write("a");
  write(std::nullopt);
  write("b");
  SomeRows rows;
  const absl::Status ended = ExportTopic(client.get(), &Host::Real(), "orders", &rows, false, {}, path_).status();
  EXPECT_EQ(ended.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(ended.message()), HasSubstr("orders-0 offset 1: it has no value"));
  EXPECT_FALSE(std::filesystem::exists(path_));
  SomeRows others;
  const auto done = ExportTopic(client.get(), &Host::Real(), "orders", &others, true, {}, path_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->rows, 2);
  EXPECT_EQ(done->skipped, 1);
  EXPECT_EQ(Content(path_), "day,note\r\n0/0,a\r\n0/2,b\r\n");
}

TEST_F(ExportCsvTest, ADailyFileComesWhenItsDayIsComplete) {
  notes_.days = {{0, {"a"}}, {2, {"b", "c"}}, {3, {"d"}}};
  EXPECT_THAT(Daily(), HasSubstr("no day is complete yet"));
  notes_.last_complete = 2;
  Daily();
  EXPECT_EQ(Content(DayFile("1970-01-01")), "day,note\r\n0,a\r\n");
  EXPECT_EQ(Content(DayFile("1970-01-02")), "day,note\r\n");
  EXPECT_EQ(Content(DayFile("1970-01-03")), "day,note\r\n2,b\r\n2,c\r\n");
  EXPECT_FALSE(HasDay("1970-01-04"));
  EXPECT_EQ(Daily(), "");
  notes_.last_complete = 3;
  EXPECT_THAT(Daily(), HasSubstr("notes-1970-01-04.csv: 1 rows"));
}

TEST_F(ExportCsvTest, LateRowsAreToldAndWrittenWhenAsked) {
  notes_.days = {{0, {"a\nb"}}};
  notes_.last_complete = 0;
  Daily();
  notes_.days[0].push_back("late");
  EXPECT_THAT(Daily(/*whole=*/false), HasSubstr("has 1 rows, the table has 2 of its day now; write it again with --rewrite"));
  EXPECT_EQ(Content(DayFile("1970-01-01")), "day,note\r\n0,\"a\nb\"\r\n");
  daily_.rewrite = true;
  EXPECT_THAT(Daily(), HasSubstr("2 rows, written again"));
  EXPECT_EQ(Content(DayFile("1970-01-01")), "day,note\r\n0,\"a\nb\"\r\n0,late\r\n");
}

TEST_F(ExportCsvTest, OnlySoManyDaysBackAreLookedAt) {
  notes_.days = {{0, {"a"}}, {9, {"b"}}};
  notes_.last_complete = 9;
  daily_.days = 2;
  EXPECT_THAT(Daily(), HasSubstr("days before 1970-01-09 are not looked at"));
  EXPECT_FALSE(HasDay("1970-01-01"));
  EXPECT_TRUE(HasDay("1970-01-09"));
  EXPECT_TRUE(HasDay("1970-01-10"));
}

TEST(ParseDay, TakesDaysOnly) {
  EXPECT_EQ(ParseDay("1970-01-02"), 1);
  EXPECT_EQ(ParseDay("2026-11-30"), 20787);
  EXPECT_EQ(ParseDay("2026-02-30"), std::nullopt);
  EXPECT_EQ(ParseDay("2026-11-3"), std::nullopt);
  EXPECT_EQ(ParseDay("2026/11/30"), std::nullopt);
}

}  // namespace
}  // namespace millrace
