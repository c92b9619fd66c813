#include "parquet/stored_file.h"

#include <arrow/buffer.h>
#include <arrow/result.h>
#include <gtest/gtest.h>

#include "parquet/data_file_writer.h"
#include "parquet/parquet_batches.h"
#include "snapshot_test_support.h"
#include "storage/local_storage.h"
#include "storage/random_name.h"

namespace millrace::warehouse {
namespace {

constexpr char kPath[] = "mem://files/a.parquet";
constexpr int64_t kLarge = int64_t{9} << 20;

class StoredFileTest : public testing::Test {
 protected:
  void Fill(int64_t size) {
    std::string content(static_cast<size_t>(size), 0);
    for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i % 251);
    storage_.files[kPath] = std::move(content);
  }
  static std::string Text(const arrow::Result<std::shared_ptr<arrow::Buffer>>& read) { return (*read)->ToString(); }
  [[nodiscard]] std::string Part(int64_t begin, int64_t size) const {
    return storage_.files.at(kPath).substr(static_cast<size_t>(begin), static_cast<size_t>(size));
  }

  MemoryStorage storage_;
};

TEST_F(StoredFileTest, ASmallFileIsAskedForOnce) {
  Fill(1000);
  StoredFile file(&storage_, kPath, 1000);
  EXPECT_EQ(Text(file.ReadAt(900, 100)), Part(900, 100));
  EXPECT_EQ(Text(file.ReadAt(0, 10)), Part(0, 10));
  EXPECT_EQ(Text(file.ReadAt(995, 100)), Part(995, 5)) << "there is no more";
  EXPECT_EQ((*file.ReadAt(1000, 1))->size(), 0);
  EXPECT_EQ(storage_.reads[kPath], 1);
}

TEST_F(StoredFileTest, OfALargeFileOnePieceIsHeld) {
  Fill(kLarge);
  StoredFile file(&storage_, kPath, kLarge);
  EXPECT_EQ(Text(file.ReadAt(kLarge - 8, 8)), Part(kLarge - 8, 8));
  file.SetPieces({{4, 5000}, {5000, 9000}});
  for (int64_t begin = 4; begin + 100 <= 5000; begin += 100) ASSERT_EQ(Text(file.ReadAt(begin, 100)), Part(begin, 100));
  EXPECT_EQ(Text(file.ReadAt(8000, 1000)), Part(8000, 1000));
  EXPECT_EQ(storage_.reads[kPath], 3) << "the end, and each piece";
  EXPECT_EQ(Text(file.ReadAt(4990, 20)), Part(4990, 20)) << "in none of the pieces";
  EXPECT_EQ(storage_.reads[kPath], 4);
}

TEST_F(StoredFileTest, ReadsFromWhereItStands) {
  Fill(100);
  StoredFile file(&storage_, kPath, 100);
  ASSERT_TRUE(file.Seek(90).ok());
  char out[20];
  EXPECT_EQ(*file.Read(6, out), 6);
  EXPECT_EQ(std::string(out, 6), Part(90, 6));
  EXPECT_EQ(Text(file.Read(20)), Part(96, 4));
  EXPECT_EQ(*file.Tell(), 100);
  EXPECT_FALSE(file.Seek(-1).ok());
}

TEST_F(StoredFileTest, KeepsWhatTheStorageSays) {
  StoredFile gone(&storage_, kPath, 100);
  EXPECT_FALSE(gone.ReadAt(0, 10).ok());
  EXPECT_TRUE(absl::IsNotFound(gone.error())) << gone.error();
  Fill(50);
  StoredFile shorter(&storage_, kPath, 100);
  EXPECT_FALSE(shorter.ReadAt(0, 100).ok());
  EXPECT_TRUE(absl::IsDataLoss(shorter.error())) << shorter.error();
}

/// One whose files are reached by no local path, and that counts bytes.
class FarStorage final : public MemoryStorage {
 public:
  absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t size) override {
    largest = std::max(largest, size);
    return MemoryStorage::ReadRange(path, offset, size);
  }
  int64_t largest = 0;
};

TEST(StoredParquetTest, RowGroupsAreReadOneByOne) {
  constexpr int64_t kRows = 1'200'000;
  Schema schema;
  schema.fields = {{1, "n", true, Primitive(Type::Kind::kLong), ""}, {2, "m", true, Primitive(Type::Kind::kLong), ""}};
  RowBatch batch(schema);
  uint64_t random = 1;
  for (int64_t row = 0; row < kRows; ++row) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    batch.Find<FixedColumn<int64_t>>(1)->Set(row, row);
    batch.Find<FixedColumn<int64_t>>(2)->Set(row, static_cast<int64_t>(random));
    batch.FinishRow();
  }
  const std::string local = testing::TempDir() + RandomName();
  DataFileOptions options;
  options.row_group_bytes = int64_t{2} << 20;
  auto writer = DataFileWriter::Open(local, schema, options);
  ASSERT_TRUE(writer.ok() && (*writer)->Append(batch, 0, kRows).ok() && (*writer)->Close().ok());
  FarStorage storage;
  storage.files[kPath] = *LocalStorage().Read("file://" + local);
  std::remove(local.c_str());
  const auto size = static_cast<int64_t>(storage.files[kPath].size());
  ASSERT_GT(size, int64_t{8} << 20);

  auto file = ParquetBatches::Open(&storage, kPath, size, {1, 2});
  ASSERT_TRUE(file.ok()) << file.status();
  int64_t rows = 0;
  while (true) {
    const auto read = (*file)->Next();
    ASSERT_TRUE(read.ok()) << read.status();
    if (*read == nullptr) break;
    ASSERT_EQ(std::static_pointer_cast<arrow::Int64Array>((*read)->column(0))->Value(0), rows);
    rows += (*read)->num_rows();
  }
  EXPECT_EQ(rows, kRows);
  EXPECT_LT(storage.largest, int64_t{4} << 20);
  // Of two columns of 8 bytes, 2 MiB in memory.
  EXPECT_LE(storage.reads[kPath], kRows * 16 / (int64_t{2} << 20) + 3) << "each group once, and the footer";

  storage.files.clear();
  EXPECT_TRUE(absl::IsNotFound(ParquetBatches::Open(&storage, kPath, size, {1}).status()));
}

}  // namespace
}  // namespace millrace::warehouse
