#ifndef MILLRACE_WAREHOUSE_CATALOG_REST_CATALOG_H_
#define MILLRACE_WAREHOUSE_CATALOG_REST_CATALOG_H_

#include <chrono>
#include <memory>
#include <string>

#include "catalog/catalog.h"
#include "catalog/rest_client.h"
#include "catalog/table_files.h"
#include "storage/storage.h"

namespace millrace::warehouse {

/// An Iceberg REST catalog: the server writes the metadata files and does the swap, which it refuses (409) if the table is no
/// more what the request says. A change of properties alone comes with a snapshot that changes nothing, as requests can name the
/// snapshot that they start from, but no properties; its manifest list is written to `storage`. Credentials for the storage that
/// a server may hand out are not used. Signed requests cannot have names with other characters than letters, digits and "-._~" in
/// them, as two ways of encoding are in use for those. Follows the REST Catalog Open API specification. Thread-safe.
class RestCatalog final : public Catalog {
 public:
  RestCatalog(std::shared_ptr<Storage> storage, RestOptions options);

  absl::Status Probe() override;
  absl::StatusOr<std::vector<TableName>> List() override;
  absl::StatusOr<LoadedTable> Load(const TableName& name) override;
  /// Where the table stands is the server's choice.
  absl::StatusOr<LoadedTable> Create(const TableName& name, const Schema& schema, const PartitionSpec& partition_by,
                                     const std::map<std::string, std::string>& properties) override;
  absl::StatusOr<std::optional<LoadedTable>> Commit(const TableName& name, const LoadedTable& base,
                                                    const TableUpdate& update) override;
  [[nodiscard]] std::chrono::milliseconds MetadataKept() const override { return kMetadataKept; }

 private:
  absl::Status Check(const TableName& name) const;
  /// All pages of a list; `member` is where its elements are.
  absl::StatusOr<std::vector<std::string>> ListNames(const std::string& path, const std::string& member);
  absl::Status CreateNamespace(const std::string& name_space);

  const std::shared_ptr<Storage> storage_;
  const bool signed_;
  RestClient client_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_REST_CATALOG_H_
