#ifndef MILLRACE_WAREHOUSE_CATALOG_FS_CATALOG_H_
#define MILLRACE_WAREHOUSE_CATALOG_FS_CATALOG_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "catalog/table_files.h"
#include "storage/storage.h"

namespace millrace::warehouse {

/// A catalog without a server: the table's state number N is "<warehouse>/<name space>/<table>/metadata/vN.metadata.json", and
/// to write the next number first is the swap. "version-hint.text" beside it is where readers start to look; it may lag behind
/// (N+1, N+2... are tried as well), and never goes back. Reads and writes the layout of Iceberg's Hadoop tables; no other engine
/// may write to the same tables, as their way to swap is not safe on local disks and S3.
///
/// Numbers of files that were deleted for their age are free again. A writer that was stopped for longer than that could take
/// one: after each swap this looks for a higher number that does not follow from its own, and then it has lost.
///
/// Thread-safe; the storage must take one writer out of several in WriteIfAbsent, which Probe finds out.
class FsCatalog final : public Catalog {
 public:
  FsCatalog(std::shared_ptr<Storage> storage, std::string warehouse, std::function<int64_t()> clock = WallClockMs);

  absl::Status Probe() override;
  absl::StatusOr<std::vector<TableName>> List() override;
  absl::StatusOr<LoadedTable> Load(const TableName& name) override;
  absl::StatusOr<LoadedTable> Create(const TableName& name, const Schema& schema, const PartitionSpec& partition_by,
                                     const std::map<std::string, std::string>& properties) override;
  absl::StatusOr<std::optional<LoadedTable>> Commit(const TableName& name, const LoadedTable& base,
                                                    const TableUpdate& update) override;
  /// A writer that was stopped for longer might take the number of a file that is gone, and move the table back.
  [[nodiscard]] std::chrono::milliseconds MetadataKept() const override { return std::chrono::hours(24); }

 private:
  [[nodiscard]] std::string Folder(const TableName& name) const;
  /// What the hint says; nullopt if there is none that can be read.
  std::optional<int64_t> ReadHint(const std::string& folder);
  /// Best effort: the table is right without.
  void RaiseHint(const std::string& folder, int64_t version);
  /// 0 if there is none.
  absl::StatusOr<int64_t> HighestVersion(const std::string& folder);
  /// The newest from version `from` on; nullopt if there is no such version.
  absl::StatusOr<std::optional<LoadedTable>> NewestFrom(const std::string& folder, int64_t from);
  /// After the file is written: is it the successor of what was current then?
  absl::StatusOr<bool> WasInTime(const std::string& folder, int64_t version, const LoadedTable& written);

  const std::shared_ptr<Storage> storage_;
  const std::string warehouse_;
  const std::function<int64_t()> clock_;
  std::mutex hint_mutex_;  // so that threads do not write hints over each other's
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_FS_CATALOG_H_
