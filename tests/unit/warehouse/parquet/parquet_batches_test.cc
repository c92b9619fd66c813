#include "parquet/parquet_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "parquet/arrow_columns.h"
#include "parquet/data_file_writer.h"
#include "storage/local_storage.h"
#include "storage/random_name.h"

namespace millrace::warehouse {
namespace {

using testing::HasSubstr;

class ParquetBatchesTest : public testing::Test {
 protected:
  ~ParquetBatchesTest() override { std::filesystem::remove(path_); }

  void WriteNumbers(int64_t rows) {
    Schema schema;
    for (const int id : {1, 2}) {
      Field& field = schema.fields.emplace_back();
      field.id = id;
      field.name = absl::StrCat("n", id);
      field.type.kind = Type::Kind::kLong;
    }
    RowBatch batch(schema);
    for (int64_t row = 0; row < rows; ++row) {
      batch.Find<FixedColumn<int64_t>>(1)->Set(row, row);
      batch.FinishRow();
    }
    DataFileOptions options;
    options.row_group_bytes = 1 << 16;
    auto writer = DataFileWriter::Open(path_, schema, options);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Append(batch, 0, rows).ok());
    ASSERT_TRUE((*writer)->Close().ok());
  }
  auto Open(const std::set<int>& ids) { return ParquetBatches::Open(&storage_, absl::StrCat("file://", path_), 1000, ids); }

  const std::string path_ = absl::StrCat(testing::TempDir(), "batches-", RandomName(), ".parquet");
  LocalStorage storage_;
};

TEST_F(ParquetBatchesTest, GivesTheWantedColumnsPieceByPiece) {
  constexpr int64_t kRows = 20000;
  WriteNumbers(kRows);
  auto file = Open({1, 7});
  ASSERT_TRUE(file.ok()) << file.status();
  int64_t next = 0;
  while (true) {
    auto batch = (*file)->Next();
    ASSERT_TRUE(batch.ok()) << batch.status();
    if (*batch == nullptr) break;
    EXPECT_EQ((*batch)->num_columns(), 1);
    EXPECT_LE((*batch)->num_rows(), 8192);
    const auto column = std::static_pointer_cast<arrow::Int64Array>(FindArrowColumn(**batch, 1));
    for (int64_t row = 0; row < (*batch)->num_rows(); ++row) ASSERT_EQ(column->Value(row), next++);
  }
  EXPECT_EQ(next, kRows);
}

TEST_F(ParquetBatchesTest, AFileWithNoneOfTheColumnsHasItsRows) {
  WriteNumbers(3);
  auto file = Open({7});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->has_rows_only());
  EXPECT_EQ((**(*file)->Next()).num_rows(), 3);
  EXPECT_EQ(*(*file)->Next(), nullptr);
}

TEST_F(ParquetBatchesTest, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(Open({1}).status().code(), absl::StatusCode::kNotFound);
  std::ofstream(path_) << "this is no Parquet file";
  const absl::Status damaged = Open({1}).status();
  EXPECT_EQ(damaged.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(damaged.message()), HasSubstr(path_));
}

}  // namespace
}  // namespace millrace::warehouse
