#include "upkeep/data_file_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "upkeep_test_support.h"

namespace millrace::warehouse {
namespace {

using Kind = Type::Kind;

class DataFileReaderTest : public UpkeepFixture {
 protected:
  absl::StatusOr<std::unique_ptr<RowBatch>> Read(const std::string& path, const Schema& schema) {
    auto reader = DataFileReader::Open(storage_.get(), path, kSomeBytes, schema);
    if (!reader.ok()) return reader.status();
    auto batch = std::make_unique<RowBatch>(schema);
    while (true) {
      const auto more = (*reader)->Read(batch.get());
      if (!more.ok()) return more.status();
      if (!*more) return batch;
    }
  }
  static Schema Columns(std::vector<Field> fields) {
    Schema schema;
    schema.fields = std::move(fields);
    return schema;
  }
};

TEST_F(DataFileReaderTest, GivesRowsInTheirOrder) {
  writer_options_.file.row_group_bytes = 4096;  // many row groups
  const DataFile file = WriteFile(1, 0, 3000);
  EXPECT_GT(file.split_offsets.size(), 3u);
  EXPECT_EQ(RowsOf(file.path), Expected(3000));
}

TEST_F(DataFileReaderTest, ReadsOldFilesAsTheTableIsNow) {
  const DataFile file = WriteFile(1, 0, 4);
  // `word` is dropped, `x` has another name, place and type, `new` is new.
  const Schema now = Columns({{7, "new", false, {Kind::kString, 0, 0, {}}, ""}, {kX, "z", true, {Kind::kLong, 0, 0, {}}, ""}});
  const auto batch = Read(file.path, now);
  ASSERT_TRUE(batch.ok()) << batch.status();
  ASSERT_EQ((*batch)->rows(), 4);
  EXPECT_EQ((*batch)->Find<FixedColumn<int64_t>>(kX)->values()[3], 3);
  EXPECT_TRUE((*batch)->Find(7)->IsNull(3));
}

TEST_F(DataFileReaderTest, ReadsNestedColumns) {
  const Field element{12, "element", false, {Kind::kString, 0, 0, {}}, ""};
  const Field key{14, "key", true, {Kind::kString, 0, 0, {}}, ""};
  const Field value{15, "value", false, {Kind::kLong, 0, 0, {}}, ""};
  const Schema schema = Columns({{11, "l", false, {Kind::kList, 0, 0, {element}}, ""},
                                 {13, "m", true, {Kind::kMap, 0, 0, {key, value}}, ""},
                                 {16, "at", false, {Kind::kTimestampTz, 0, 0, {}}, ""},
                                 {17, "d", false, {Kind::kDecimal, 28, 9, {}}, ""}});
  RowBatch rows(schema);
  for (int row = 0; row < 50; ++row) {
    auto* list = rows.Find<ListColumn>(11);
    for (int i = 0; i < row % 4; ++i) {
      if (i == 1) {
        list->child().AppendNull();
      } else {
        ASSERT_TRUE(rows.Find<BytesColumn>(12)->Set(list->child().size(), "e" + std::to_string(row)));
      }
    }
    if (row % 5 == 0) list->Truncate(row);
    if (row % 5 == 0) list->AppendNull();
    if (row % 5 != 0) list->Finish();
    auto* map = rows.Find<ListColumn>(13);
    ASSERT_TRUE(rows.Find<BytesColumn>(14)->Set(row, "k"));
    rows.Find<FixedColumn<int64_t>>(15)->Set(row, row);
    static_cast<StructColumn&>(map->child()).Finish();
    map->Finish();
    if (row % 2 == 0) rows.Find<FixedColumn<int64_t>>(16)->Set(row, -row);
    rows.Find<FixedColumn<absl::int128>>(17)->Set(row, absl::int128(row) * 1'000'000'000'000'000'000);
    rows.FinishRow();
  }
  TableMetadata table = Table().metadata;
  table.schemas = {schema};
  table.current_schema_id = 0;
  table.specs = {PartitionSpec{}};
  PartitionWriter writer(storage_.get(), table, {}, writer_options_);
  ASSERT_TRUE(writer.Append(rows, 0, rows.rows()).ok());
  const auto files = writer.Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  const auto read = Read(files->at(0).path, schema);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ((*read)->rows(), 50);
  EXPECT_EQ((*read)->Find<ListColumn>(11)->offsets(), rows.Find<ListColumn>(11)->offsets());
  EXPECT_EQ((*read)->Find<ListColumn>(11)->valid(), rows.Find<ListColumn>(11)->valid());
  EXPECT_EQ((*read)->Find<BytesColumn>(12)->data(), rows.Find<BytesColumn>(12)->data());
  EXPECT_EQ((*read)->Find<BytesColumn>(12)->valid(), rows.Find<BytesColumn>(12)->valid());
  EXPECT_EQ((*read)->Find<FixedColumn<int64_t>>(15)->values(), rows.Find<FixedColumn<int64_t>>(15)->values());
  EXPECT_EQ((*read)->Find<FixedColumn<int64_t>>(16)->valid(), rows.Find<FixedColumn<int64_t>>(16)->valid());
  EXPECT_EQ((*read)->Find<FixedColumn<absl::int128>>(17)->values(), rows.Find<FixedColumn<absl::int128>>(17)->values());
}

TEST_F(DataFileReaderTest, RefusesFilesWithNothingThatIsWanted) {
  const DataFile file = WriteFile(1, 0, 4);
  const auto batch = Read(file.path, Columns({{99, "other", false, {Kind::kString, 0, 0, {}}, ""}}));
  EXPECT_EQ(batch.status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(DataFileReaderTest, SaysThatAFileIsDamagedOrNotThere) {
  const std::string path = location_ + "/data/x.parquet";
  EXPECT_EQ(Read(path, Table().metadata.schema()).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(storage_->Write(path, "PAR1 this is no Parquet PAR1").ok());
  const absl::Status status = Read(path, Table().metadata.schema()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(path));
}

}  // namespace
}  // namespace millrace::warehouse
