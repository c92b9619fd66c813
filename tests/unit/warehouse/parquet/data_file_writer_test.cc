#include "parquet/data_file_writer.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/key_value_metadata.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>
#include <parquet/metadata.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "parquet/single_value.h"
#include "proto_text.h"
#include "protobuf/row_decoder.h"
#include "protobuf/table_schema.h"

namespace millrace::warehouse {
namespace {

using testing::HasSubstr;

class DataFileWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("data_file_writer_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    file_ = (folder_ / "f.parquet").string();
    options_.decimals = {{"amount", {18, 2}}};
    message_ = protos_.Message(
        "message M { int64 id = 1; string user = 2; int64 amount = 3; optional double score = 4; repeated string tags = 5; "
        "uint64 big = 6; bool flag = 7; S s = 8; map<string, int32> m = 9; } message S { int32 x = 1; }");
    const MappedSchema mapped = *MapSchema(*message_, options_);
    schema_ = mapped.schema;
    record_ = mapped.record;
    decoder_ = *RowDecoder::Create(schema_, record_, *message_, options_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void AddRow(const std::string& text) {
    const absl::Status status =
        decoder_->Append(protos_.Bytes(*message_, text), {"orders", 0, next_offset_++, 1000, std::nullopt});
    ASSERT_TRUE(status.ok()) << status;
  }
  std::unique_ptr<DataFileWriter> Open(DataFileOptions options = {}) {
    absl::StatusOr<std::unique_ptr<DataFileWriter>> writer = DataFileWriter::Open(file_, schema_, options);
    EXPECT_TRUE(writer.ok()) << writer.status();
    return *std::move(writer);
  }
  std::shared_ptr<arrow::Table> ReadBack() {
    auto input = *arrow::io::ReadableFile::Open(file_);
    auto reader = *parquet::arrow::OpenFile(input, arrow::default_memory_pool());
    footer_ = reader->parquet_reader()->metadata();
    return *reader->ReadTable();
  }
  int Id(const std::string& path) { return record_.Find(path); }

  ProtoText protos_;
  std::filesystem::path folder_;
  std::string file_;
  MappingOptions options_;
  const google::protobuf::Descriptor* message_ = nullptr;
  Schema schema_;
  ColumnRecord record_;
  std::unique_ptr<RowDecoder> decoder_;
  std::shared_ptr<parquet::FileMetaData> footer_;
  int64_t next_offset_ = 0;
};

TEST_F(DataFileWriterTest, DescribesWhatItWrote) {
  AddRow(
      "id: 7 user: 'anna' amount: 1420 score: 0.5 tags: 'a' tags: 'b' big: 18446744073709551615 flag: true s { x: 4 } m { key: "
      "'k' value: 1 }");
  AddRow("id: -3 user: 'berta of the very long name' amount: -5 big: 3");
  std::unique_ptr<DataFileWriter> writer = Open();
  ASSERT_TRUE(writer->Append(decoder_->batch(), 0, 2).ok());
  EXPECT_EQ(writer->rows(), 2);
  const absl::StatusOr<DataFile> file = writer->Close();
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->record_count, 2);
  EXPECT_EQ(file->size_bytes, static_cast<int64_t>(std::filesystem::file_size(file_)));
  EXPECT_EQ(file->value_counts.at(Id("1")), 2);
  EXPECT_EQ(file->null_value_counts.at(Id("1")), 0);
  EXPECT_EQ(file->null_value_counts.at(Id("4")), 1);
  EXPECT_EQ(file->null_value_counts.at(Id("8.1")), 1);
  EXPECT_EQ(file->value_counts.at(Id("5.e")), 3);  // two elements, and a list without any
  EXPECT_GT(file->column_size_bytes.at(Id("2")), 0);
  EXPECT_EQ(file->lower_bounds.at(Id("1")), SingleValue(int64_t{-3}));
  EXPECT_EQ(file->upper_bounds.at(Id("1")), SingleValue(int64_t{7}));
  EXPECT_EQ(file->lower_bounds.at(Id("2")), "anna");
  EXPECT_EQ(file->upper_bounds.at(Id("2")), "berta of the ves");
  EXPECT_EQ(file->lower_bounds.at(Id("3")), "\xfb");
  EXPECT_EQ(file->upper_bounds.at(Id("3")), "\x05\x8c");
  EXPECT_EQ(file->lower_bounds.at(Id("4")), SingleValue(0.5));
  EXPECT_EQ(file->lower_bounds.at(Id("6")), "\x03");
  EXPECT_EQ(file->upper_bounds.at(Id("6")), std::string("\0\xff\xff\xff\xff\xff\xff\xff\xff", 9));
  EXPECT_EQ(file->lower_bounds.at(Id("7")), SingleValue(uint8_t{0}));
  EXPECT_EQ(file->upper_bounds.at(Id("7")), SingleValue(uint8_t{1}));
  EXPECT_EQ(file->upper_bounds.at(Id("8.1")), SingleValue(int32_t{4}));
  EXPECT_EQ(file->lower_bounds.count(Id("5.e")), 0U);
  EXPECT_EQ(file->split_offsets, std::vector<int64_t>{4});
}

TEST_F(DataFileWriterTest, WritesAsReadersExpectIt) {
  AddRow("id: 1 tags: 'a' m { key: 'k' value: 1 }");
  DataFileOptions options;
  options.metadata = {{"millrace.range", "0-1"}};
  std::unique_ptr<DataFileWriter> writer = Open(options);
  ASSERT_TRUE(writer->Append(decoder_->batch(), 0, 1).ok());
  ASSERT_TRUE(writer->Close().ok());
  const auto table = ReadBack();
  EXPECT_EQ(table->num_rows(), 1);
  EXPECT_EQ(*footer_->key_value_metadata()->Get("millrace.range"), "0-1");
  for (int i = 0; i < footer_->schema()->num_columns(); ++i) {
    const auto* column = footer_->schema()->Column(i);
    EXPECT_NE(schema_.Find(column->schema_node()->field_id()), nullptr) << column->path()->ToDotString();
    EXPECT_EQ(footer_->RowGroup(0)->ColumnChunk(i)->compression(), parquet::Compression::ZSTD);
  }
  EXPECT_GE(footer_->schema()->ColumnIndex("tags.list.element"), 0);
  EXPECT_GE(footer_->schema()->ColumnIndex("m.key_value.key"), 0);
  const int amount = footer_->schema()->ColumnIndex("amount");
  EXPECT_EQ(footer_->schema()->Column(amount)->physical_type(), parquet::Type::INT64);
}

TEST_F(DataFileWriterTest, MakesRowGroupsBySize) {
  DataFileOptions options;
  options.row_group_bytes = 64 << 10;
  std::unique_ptr<DataFileWriter> writer = Open(options);
  for (int batch = 0; batch < 10; ++batch) {
    for (int i = 0; i < 500; ++i) {
      AddRow("id: " + std::to_string(batch * 500 + i) + " user: 'user " + std::to_string(i) + "'");
    }
    ASSERT_TRUE(writer->Append(decoder_->batch(), 0, decoder_->batch().rows()).ok());
    decoder_->batch().Clear();
    EXPECT_GT(writer->size_bytes(), 0);
  }
  const int64_t estimate = writer->size_bytes();
  const absl::StatusOr<DataFile> file = writer->Close();
  ASSERT_TRUE(file.ok()) << file.status();
  // The footer comes on top.
  EXPECT_LT(estimate, file->size_bytes);
  EXPECT_GT(estimate, file->size_bytes / 3);
  EXPECT_GT(file->split_offsets.size(), 3U);
  EXPECT_TRUE(std::is_sorted(file->split_offsets.begin(), file->split_offsets.end()));
  EXPECT_EQ(file->lower_bounds.at(Id("1")), SingleValue(int64_t{0}));
  EXPECT_EQ(file->upper_bounds.at(Id("1")), SingleValue(int64_t{4999}));
  EXPECT_EQ(ReadBack()->num_rows(), 5000);
  EXPECT_EQ(footer_->num_row_groups(), static_cast<int>(file->split_offsets.size()));
}

TEST_F(DataFileWriterTest, HasNoBoundsForHugeTexts) {
  AddRow("id: 1 user: '" + std::string(10'000, 'x') + "'");
  std::unique_ptr<DataFileWriter> writer = Open();
  ASSERT_TRUE(writer->Append(decoder_->batch(), 0, 1).ok());
  const absl::StatusOr<DataFile> file = writer->Close();
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->upper_bounds.count(Id("2")), 0U);
  EXPECT_EQ(file->upper_bounds.count(Id("1")), 1U);
}

TEST_F(DataFileWriterTest, RefusesAFileWithoutRows) {
  EXPECT_EQ(Open()->Close().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(DataFileWriterTest, SaysWhichFileCannotBeWritten) {
  const absl::Status status = DataFileWriter::Open((folder_ / "no" / "f").string(), schema_, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no/f"));
}

TEST_F(DataFileWriterTest, SaysThatADiskIsFull) {
  AddRow("id: 1");
  absl::StatusOr<std::unique_ptr<DataFileWriter>> writer = DataFileWriter::Open("/dev/full", schema_, {});
  absl::Status status = writer.status();
  if (status.ok()) {
    status = (*writer)->Append(decoder_->batch(), 0, 1);
  }
  if (status.ok()) {
    status = (*writer)->Close().status();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
}

}  // namespace
}  // namespace millrace::warehouse
