#include "reading/table_rows.h"

#include "reading_test_support.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class TableRowsTest : public ReadingFixture {
 protected:
  absl::Status ErrorOf(const ReadDescription& description) { return warehouse_->ReadTable(description).status(); }
  ReadDescription Payments() const {
    ReadDescription description;
    description.name_space = "shop";
    description.table = "payments";
    return description;
  }
};

TEST_F(TableRowsTest, GivesTheWantedColumnsInTheirOrder) {
  Land({{1, kLateEvening}, {2, std::nullopt}}, std::nullopt);
  EXPECT_THAT(Read({"currency", "paid_at", "payment_id"}),
              ElementsAre(TextRow{"EUR", "2024-10-03T23:30:00.000000Z", "1"}, TextRow{"EUR", std::nullopt, "2"}));
}

TEST_F(TableRowsTest, WithoutNamesAllColumnsOfTheTableAreGiven) {
  Land({{1, kLateEvening}}, std::nullopt);
  auto reader = warehouse_->ReadTable(Payments());
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::vector<std::string> names;
  for (const ColumnInfo& column : (*reader)->columns()) names.push_back(column.name);
  EXPECT_THAT(names, ElementsAre("payment_id", "order_id", "amount_cents", "currency", "paid_at", "day", "_topic",
                                 "_topic_partition", "_offset", "_timestamp"));
  EXPECT_EQ((*reader)->columns()[0].type, "long");
  ASSERT_THAT(RowsOf(reader->get()), SizeIs(1));
}

TEST_F(TableRowsTest, ASnapshotStaysAsItWas) {
  Land({{1, kLateEvening}}, std::nullopt);
  const int64_t first = *warehouse_->Tables()->front().snapshot;
  Land({{2, kLateEvening}}, std::nullopt);
  EXPECT_THAT(Read({"payment_id"}), UnorderedElementsAre(TextRow{"1"}, TextRow{"2"}));
  EXPECT_THAT(Read({"payment_id"}, {}, first), ElementsAre(TextRow{"1"}));
}

TEST_F(TableRowsTest, RowsOfADayAreThoseOfTheTablesTimeZone) {
  Land({{1, kLateEvening - 2 * kHour}, {2, kLateEvening}, {3, std::nullopt}}, std::nullopt);
  Land({{4, kLateEvening + 24 * kHour}}, std::nullopt);
  for (const std::string column : {"day", "paid_at"}) {
    EXPECT_THAT(Read({"payment_id"}, ReadDescription::Day{column, kThird}), ElementsAre(TextRow{"1"})) << column;
    EXPECT_THAT(Read({"payment_id"}, ReadDescription::Day{column, kThird + 1}), ElementsAre(TextRow{"2"})) << column;
    EXPECT_THAT(Read({"payment_id"}, ReadDescription::Day{column, kThird + 3}), IsEmpty()) << column;
  }
}

TEST_F(TableRowsTest, FilesOfBeforeAColumnCameHaveNullsInIt) {
  description_.settings.erase("columns.day.date.from");
  description_.settings.erase("time.zone");
  Land({{1, kLateEvening}}, std::nullopt);
  description_.settings = {{"columns.day.date.from", "paid_at"}};
  Land({{2, kLateEvening}}, std::nullopt);
  EXPECT_THAT(Read({"payment_id", "day"}), UnorderedElementsAre(TextRow{"1", std::nullopt}, TextRow{"2", "2024-10-03"}));
  EXPECT_THAT(Read({"day"}), SizeIs(2));
  EXPECT_THAT(Read({"payment_id"}, ReadDescription::Day{"day", kThird}), ElementsAre(TextRow{"2"}));
}

TEST_F(TableRowsTest, ATableWithoutRowsHasNone) {
  ASSERT_TRUE(warehouse_->OpenLanding(description_).ok());
  EXPECT_THAT(Read({"payment_id"}), IsEmpty());
}

TEST_F(TableRowsTest, SaysWhatIsNotThere) {
  EXPECT_EQ(ErrorOf(Payments()).code(), absl::StatusCode::kNotFound);
  Land({{1, kLateEvening}}, std::nullopt);
  ReadDescription description = Payments();
  description.columns = {"amount"};
  absl::Status error = ErrorOf(description);
  EXPECT_EQ(error.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(error.message()), testing::AllOf(HasSubstr("no column amount"), HasSubstr("amount_cents")));
  description = Payments();
  description.snapshot = 7;
  error = ErrorOf(description);
  EXPECT_EQ(error.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(error.message()), HasSubstr("no snapshot 7"));
  description = Payments();
  description.day = ReadDescription::Day{"currency", kThird};
  EXPECT_EQ(ErrorOf(description).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TableRowsTest, RowsThatAnotherEngineHasMarkedAsDeletedAreNotGivenInSilence) {
  Land({{1, kLateEvening}}, std::nullopt);
  const LoadedTable table = *catalog_.Load({"shop", "payments"});
  const Snapshot& snapshot = *table.metadata.current_snapshot();
  std::vector<ManifestFile> manifests = *ReadManifestList(*storage_, snapshot);
  ManifestFile deletes = manifests.front();
  deletes.content = FileContent::kPositionDeletes;
  manifests.push_back(deletes);
  ASSERT_TRUE(storage_
                  ->Write(snapshot.manifest_list,
                          EncodeManifestList(manifests, snapshot.id, snapshot.parent_id, snapshot.sequence_number))
                  .ok());
  const absl::Status error = ErrorOf(Payments());
  EXPECT_EQ(error.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(error.message()), HasSubstr("marked as deleted"));
}

}  // namespace
}  // namespace millrace::warehouse
