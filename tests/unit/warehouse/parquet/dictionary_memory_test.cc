#include "parquet/dictionary_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "parquet/data_file_writer.h"
#include "storage/random_name.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DictionaryMemoryTest : public testing::Test {
 protected:
  DictionaryMemoryTest() {
    schema_.fields = {{1, "n", true, {Type::Kind::kLong, 0, 0, {}}, ""},
                      {2, "part", true, {Type::Kind::kStruct, 0, 0, {{3, "m", true, {Type::Kind::kLong, 0, 0, {}}, ""}}}, ""}};
  }
  /// Of `n` each value comes `times` times in a row, of `m` one is enough.
  void WriteFile(int64_t rows, int64_t times) {
    RowBatch batch(schema_);
    for (int64_t row = 0; row < rows; ++row) {
      batch.Find<FixedColumn<int64_t>>(1)->Set(row, row / times * 7919);
      batch.Find<FixedColumn<int64_t>>(3)->Set(row, 5);
      batch.Find<StructColumn>(2)->Finish();
      batch.FinishRow();
    }
    const std::string file = testing::TempDir() + RandomName();
    DataFileOptions options;
    options.dictionaries = &memory_;
    auto writer = DataFileWriter::Open(file, schema_, options);
    EXPECT_TRUE(writer.ok() && (*writer)->Append(batch, 0, rows).ok());
    EXPECT_TRUE((*writer)->Close().ok());
    std::remove(file.c_str());
  }

  Schema schema_;
  DictionaryMemory memory_;
};

TEST_F(DictionaryMemoryTest, LearnsWhichDictionariesWereGivenUp) {
  WriteFile(200'000, 1);
  EXPECT_THAT(memory_.without(), ElementsAre("n"));
  WriteFile(200'000, 1);
  EXPECT_THAT(memory_.without(), ElementsAre("n")) << "there was none to be given up";
}

TEST_F(DictionaryMemoryTest, KeepsDictionariesThatAreWorthIt) {
  WriteFile(200'000, 100);
  EXPECT_THAT(memory_.without(), IsEmpty());
}

TEST_F(DictionaryMemoryTest, ForgetsAsValuesMayBeginToRepeat) {
  WriteFile(200'000, 1);
  for (int file = 0; file < 50; ++file) WriteFile(10, 1);
  EXPECT_THAT(memory_.without(), IsEmpty());
}

}  // namespace
}  // namespace millrace::warehouse
