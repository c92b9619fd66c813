#ifndef MILLRACE_TESTS_UNIT_WAREHOUSE_SNAPSHOT_TEST_SUPPORT_H_
#define MILLRACE_TESTS_UNIT_WAREHOUSE_SNAPSHOT_TEST_SUPPORT_H_

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/storage.h"
#include "table/data_file.h"
#include "table/table_metadata.h"

namespace millrace::warehouse {

/// Files in memory. Counts reads, so that a test can tell what was read again.
class MemoryStorage : public Storage {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override {
    ++reads[path];
    const auto found = files.find(path);
    return found == files.end() ? absl::StatusOr<std::string>(absl::NotFoundError(path)) : found->second;
  }
  absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t size) override {
    absl::StatusOr<std::string> whole = Read(path);
    if (!whole.ok() || offset >= static_cast<int64_t>(whole->size())) return whole.ok() ? "" : whole;
    return whole->substr(static_cast<size_t>(offset), static_cast<size_t>(size));
  }
  absl::Status Write(const std::string& path, std::string_view content) override {
    files[path] = std::string(content);
    return absl::OkStatus();
  }
  absl::StatusOr<bool> WriteIfAbsent(const std::string& path, std::string_view content) override {
    return files.emplace(path, std::string(content)).second;
  }
  absl::Status Upload(const std::string&, const std::string& path) override { return Write(path, ""); }
  absl::Status List(const std::string& folder, const std::function<void(const FileInfo&)>& file) override {
    for (const auto& [path, content] : files) {
      if (absl::StartsWith(path, absl::StrCat(folder, "/"))) file({path, static_cast<int64_t>(content.size()), 0});
    }
    return absl::OkStatus();
  }
  absl::Status Delete(const std::string& path) override {
    files.erase(path);
    return absl::OkStatus();
  }

  std::map<std::string, std::string> files;
  std::map<std::string, int> reads;
};

inline Type Primitive(Type::Kind kind) { return {kind, 0, 0, {}}; }

/// id long required, country string, ts timestamptz; partitioned by day of ts and country.
inline TableMetadata ShopTable() {
  Schema schema;
  schema.fields = {{1, "id", true, Primitive(Type::Kind::kLong), "the order"},
                   {2, "country", false, Primitive(Type::Kind::kString), ""},
                   {3, "ts", false, Primitive(Type::Kind::kTimestampTz), ""}};
  PartitionSpec spec;
  spec.fields = {{3, 0, "ts_day", Transform::kDay}, {2, 0, "country", Transform::kIdentity}};
  return TableMetadata::New("mem://shop/orders", schema, spec, 1000, {});
}

inline DataFile ShopFile(const std::string& name, int32_t day, const std::string& country, int64_t rows) {
  DataFile file;
  file.path = absl::StrCat("mem://shop/orders/data/", name, ".parquet");
  file.partition = {day, country};
  file.record_count = rows;
  file.size_bytes = rows * 10;
  file.column_size_bytes = {{1, rows * 8}};
  file.value_counts = {{1, rows}, {2, rows}};
  file.null_value_counts = {{2, 0}};
  file.lower_bounds = {{1, std::string("\0\0\0\0\0\0\0\0", 8)}};
  file.upper_bounds = {{1, std::string("\x07\0\0\0\0\0\0\0", 8)}};
  file.split_offsets = {4};
  return file;
}

/// The table after a snapshot.
inline TableMetadata After(const TableMetadata& base, const Snapshot& snapshot) {
  TableUpdate update;
  update.snapshot = snapshot;
  auto applied = Apply(base, "mem://shop/orders/metadata/base.json", update, snapshot.timestamp_ms, 0);
  return applied.ok() ? *applied : TableMetadata();
}

}  // namespace millrace::warehouse

#endif  // MILLRACE_TESTS_UNIT_WAREHOUSE_SNAPSHOT_TEST_SUPPORT_H_
