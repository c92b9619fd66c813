#ifndef MILLRACE_WAREHOUSE_PARQUET_DICTIONARY_MEMORY_H_
#define MILLRACE_WAREHOUSE_PARQUET_DICTIONARY_MEMORY_H_

#include <set>
#include <string>

namespace parquet {
class FileMetaData;
}  // namespace parquet

namespace millrace::warehouse {

/// Which columns of a table's next file are not worth a dictionary: those whose dictionary became too large in the last file, so
/// that it was given up after most of the work. That is forgotten from time to time, as values may begin to repeat. Not
/// thread-safe.
class DictionaryMemory {
 public:
  /// Paths of leaves, "price.units".
  [[nodiscard]] const std::set<std::string>& without() const { return without_; }
  /// From the footer of a file that was just written.
  void Learn(const parquet::FileMetaData& footer);

 private:
  std::set<std::string> without_;
  int files_ = 0;  // since it was last forgotten
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_DICTIONARY_MEMORY_H_
