#ifndef MILLRACE_WAREHOUSE_SERVING_SERVING_TABLE_H_
#define MILLRACE_WAREHOUSE_SERVING_SERVING_TABLE_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/postgres_session.h"
#include "millrace/warehouse/warehouse.h"
#include "protobuf/column_record.h"
#include "protobuf/table_schema.h"
#include "serving/serving_columns.h"
#include "serving/serving_policy.h"

namespace millrace::warehouse {

/// Tables beside those that are landed, in the same schema: what is known of each, and how far it has been landed; and a view of
/// how fresh each is, for people.
inline constexpr char kServingTables[] = "millrace_tables";
inline constexpr char kServingOffsets[] = "millrace_offsets";
inline constexpr char kServingFreshness[] = "millrace_freshness";

/// Columns of "<table>_dead_letters", which holds records that are no rows, as they came, with why.
inline constexpr char kDeadLetterColumns[] = R"(_topic, _topic_partition, _offset, _timestamp, key, value, error)";

/// The table of a landing, with what stands about it in "millrace_tables". Not thread-safe.
class ServingTable {
 public:
  /// `message` and `policy` outlive it. The settings of the landing are in `policy`.
  ServingTable(const LandingDescription& description, const google::protobuf::Descriptor* message, const ServingPolicy* policy);

  /// Makes the schema, the tables beside it and the table if they are not there, or brings the table to what the message asks
  /// for: adds columns, renames those of renamed fields, widens types; columns of fields that are gone stay. All in one
  /// transaction, one after the other with others that do the same. FailedPrecondition with words: the table is there and is
  /// another one, or a change cannot be; InvalidArgument: the settings do not fit the message.
  absl::Status Ensure(PostgresSession* session);
  /// The number that each change of the columns makes greater; nullopt: nothing is known of the table.
  absl::StatusOr<std::optional<int64_t>> ReadVersion(PostgresSession* session) const;

  // As of the last Ensure.
  [[nodiscard]] const Schema& schema() const { return mapped_.schema; }
  [[nodiscard]] const ColumnRecord& record() const { return mapped_.record; }
  /// Those of the key first.
  [[nodiscard]] const std::vector<ServingColumn>& columns() const { return columns_; }
  [[nodiscard]] int64_t version() const { return version_; }
  [[nodiscard]] const std::string& oid() const { return oid_; }

  /// In quotes, with its schema.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string dead_letters_name() const;

 private:
  /// What "millrace_tables" says.
  struct Known {
    MappedSchema mapped;
    std::string mode;
    std::string key_columns;
    int last_column_id = 0;
    int64_t version = 0;
  };
  struct Relation {
    std::string oid;
    std::string kind;
    bool owned = false;
  };

  absl::Status EnsureSchema(PostgresSession* session) const;
  absl::StatusOr<std::optional<Relation>> FindRelation(PostgresSession* session, const std::string& table) const;
  absl::StatusOr<std::optional<Known>> FindKnown(PostgresSession* session) const;
  absl::Status Create(PostgresSession* session, const std::optional<Known>& known);
  absl::Status Adopt(PostgresSession* session, const Relation& relation);
  absl::Status Evolve(PostgresSession* session, const Known& known, const Relation& relation);
  absl::Status CheckKey(const Known& known, const MappedSchema& evolved) const;
  absl::Status Use(MappedSchema mapped);
  absl::Status Describe(PostgresSession* session) const;
  absl::Status WriteKnown(PostgresSession* session, int last_column_id, int64_t version);
  absl::Status ForgetOffsets(PostgresSession* session) const;
  /// Compares with the table as it really is.
  absl::Status CheckColumns(PostgresSession* session, const std::string& oid);
  absl::Status CheckUniqueKey(PostgresSession* session, const std::string& oid) const;
  absl::Status EnsureDeadLetters(PostgresSession* session) const;
  [[nodiscard]] absl::Status Refuse(const std::string& why) const;

  const std::string name_space_;
  const std::string table_;
  const std::string topic_;
  const google::protobuf::Descriptor* const message_;
  const ServingPolicy* const policy_;
  MappedSchema mapped_;
  std::vector<ServingColumn> columns_;
  int64_t version_ = 0;
  std::string oid_;
};

/// What changes a table from one schema to another, statement by statement. `comments`: also the descriptions.
std::vector<std::string> AlterStatements(const std::string& table, const Schema& from, const std::vector<ServingColumn>& to,
                                         bool comments);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_SERVING_TABLE_H_
