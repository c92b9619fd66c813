#include "parquet/dictionary_memory.h"

#include <parquet/metadata.h>

namespace millrace::warehouse {
namespace {

constexpr int kFilesUntilForgotten = 50;

/// Pages of values behind those of the dictionary.
bool WasGivenUp(const parquet::ColumnChunkMetaData& column) {
  if (!column.has_dictionary_page()) return false;
  for (const parquet::PageEncodingStats& pages : column.encoding_stats()) {
    if (pages.page_type == parquet::PageType::DATA_PAGE && pages.encoding == parquet::Encoding::PLAIN) return true;
  }
  return false;
}

}  // namespace

void DictionaryMemory::Learn(const parquet::FileMetaData& footer) {
  if (++files_ == kFilesUntilForgotten) {
    files_ = 0;
    without_.clear();
    return;
  }
  for (int group = 0; group < footer.num_row_groups(); ++group) {
    const auto row_group = footer.RowGroup(group);
    for (int leaf = 0; leaf < row_group->num_columns(); ++leaf) {
      const auto column = row_group->ColumnChunk(leaf);
      if (WasGivenUp(*column)) without_.insert(column->path_in_schema()->ToDotString());
    }
  }
}

}  // namespace millrace::warehouse
