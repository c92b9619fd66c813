#ifndef MILLRACE_WAREHOUSE_CATALOG_REST_COMMIT_H_
#define MILLRACE_WAREHOUSE_CATALOG_REST_COMMIT_H_

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "catalog/catalog.h"

namespace millrace::warehouse {

/// The body of a request that creates a table ("CreateTableRequest" of the REST Catalog Open API specification). `metadata` is
/// the table as it is to become; the server says where it stands.
nlohmann::json RestCreateRequest(const TableName& name, const TableMetadata& metadata);

/// The body of a request that changes a table ("CommitTableRequest"). `changed` is what Apply made of `base` and `update`. It
/// requires that the table's uuid, current schema, default spec and current snapshot are those of `base`, but nothing of its
/// properties, for which the specification has no words: see RestNeedsSnapshot.
nlohmann::json RestCommitRequest(const TableName& name, const TableMetadata& base, const TableMetadata& changed,
                                 const TableUpdate& update);

/// True if an update changes properties and nothing that RestCommitRequest requires: two of its kind, made of the same state,
/// would both be accepted, and a writer that it is to fence off would not notice it. It must bring a snapshot, if an empty one.
bool RestNeedsSnapshot(const TableUpdate& update);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_REST_COMMIT_H_
