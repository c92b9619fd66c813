#ifndef MILLRACE_TESTS_WAREHOUSE_STORAGE_TEST_TABLES_H_
#define MILLRACE_TESTS_WAREHOUSE_STORAGE_TEST_TABLES_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "catalog/catalog.h"
#include "storage/storage.h"
#include "table/snapshot_producer.h"

namespace millrace::warehouse_test {

using warehouse::LoadedTable;
using warehouse::TableUpdate;

inline warehouse::Schema PaymentsSchema() {
  warehouse::Schema schema;
  schema.fields = {{1, "id", true, {warehouse::Type::Kind::kLong, 0, 0, {}}, "of the payment"},
                   {2, "amount", false, {warehouse::Type::Kind::kDecimal, 18, 2, {}}, ""},
                   {3, "ts", false, {warehouse::Type::Kind::kTimestampTz, 0, 0, {}}, ""}};
  return schema;
}

inline warehouse::PartitionSpec ByDay() { return {0, {{3, 1000, "ts_day", warehouse::Transform::kDay}}}; }

/// An update with a snapshot that adds no rows and says `text` in its summary.
inline TableUpdate EmptySnapshot(warehouse::Storage* storage, const LoadedTable& base, const std::string& text) {
  TableUpdate update;
  const int64_t now_ms = base.metadata.last_updated_ms + 1;
  absl::StatusOr<warehouse::Snapshot> snapshot =
      warehouse::SnapshotProducer(storage).Build(base.metadata, {{"test", text}}, now_ms);
  EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  if (snapshot.ok()) update.snapshot = *std::move(snapshot);
  return update;
}

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_WAREHOUSE_STORAGE_TEST_TABLES_H_
