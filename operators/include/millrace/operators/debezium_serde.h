#ifndef MILLRACE_OPERATORS_DEBEZIUM_SERDE_H_
#define MILLRACE_OPERATORS_DEBEZIUM_SERDE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/operators/protobuf_serde.h"
#include "millrace/state/serdes.h"

/// Tables of a database in the topics that Debezium writes, so that a topology reads them as tables:
///
///   builder.Table<int64_t, Order>("shop.public.orders", Consumed<int64_t, Order>::With(DebeziumKeySerde<int64_t>("id"),
///                                                                                       DebeziumSerde<Order>()));
///
/// Made for Debezium 3.7 with Connect's JsonConverter without schemas, `decimal.handling.mode=string` and
/// `time.precision.mode=isostring` (docs/from-postgres.md has the whole set-up). Without schemas the JSON does not say what type
/// a column has: the field's type decides how its value is read.
namespace millrace {

enum class DebeziumTimeUnit { kDays, kSeconds, kMilliseconds, kMicroseconds, kNanoseconds };

/// What is particular to a column.
struct DebeziumColumn {
  /// The field that gets it; empty = the one of the column's name.
  std::string field;
  /// For a date or time. Into an integer field: what it counts since 1970-01-01 in UTC, rounded down; without it such a field
  /// takes no time. Where Debezium writes integers (other settings of `time.precision.mode`): what they count; otherwise
  /// microseconds.
  std::optional<DebeziumTimeUnit> unit = std::nullopt;
  /// For a number into an integer field: the field counts 10^-scale, as cents do with 2. From 0 to 18.
  int scale = 0;
};

/// A plain value.
struct DebeziumOptions {
  /// By the names of columns. Not in nested objects.
  std::map<std::string, DebeziumColumn> columns = {};
  /// A column without a field is an error; otherwise it is left out, and so are columns that are added to the table later.
  bool refuse_unknown_columns = false;
};

namespace internal {
class DebeziumRow;
/// A mistake in the options is told by each read.
[[nodiscard]] std::shared_ptr<const DebeziumRow> MakeDebeziumRow(const google::protobuf::Descriptor& message,
                                                                 const DebeziumOptions& options);
/// False: the row was deleted. Reads what DebeziumSerde writes too.
[[nodiscard]] absl::StatusOr<bool> ReadDebeziumRow(const DebeziumRow& row, BytesView bytes, google::protobuf::Message* message);

[[nodiscard]] absl::Status NoRow();
[[nodiscard]] absl::Status ReadDebeziumKey(BytesView bytes, const std::string& column, int64_t* key);
[[nodiscard]] absl::Status ReadDebeziumKey(BytesView bytes, const std::string& column, std::string* key);
void WriteDebeziumKey(const std::string& column, int64_t key, Bytes* out);
void WriteDebeziumKey(const std::string& column, const std::string& key, Bytes* out);
[[nodiscard]] absl::Status ReadDebeziumKey(BytesView bytes, const DebeziumRow& row, google::protobuf::Message* key);
void WriteDebeziumKey(const google::protobuf::Message& key, Bytes* out);
/// Names, types and order of the fields.
[[nodiscard]] SerdeFingerprint DebeziumKeyFingerprint(const google::protobuf::Descriptor& key);
[[nodiscard]] std::shared_ptr<const DebeziumRow> MakeDebeziumKeyRow(const google::protobuf::Descriptor& key);
}  // namespace internal

/// Rows of a table: reads the envelopes of its changes, of which M gets the row after the change, each column in the field of its
/// name. Inserts, updates and snapshots are rows; deletes, and the tombstones after them, are null. Immutable; any thread.
///
/// What fits where: integers, also as text, into integers of any width that holds them; booleans; decimals and floats into float
/// and double; decimals into google.type.Money (units and nanos) and, with a scale, into integers; everything into string, as the
/// JSON has it; dates and times into google.protobuf.Timestamp, google.type.Date and, with a unit, integers; intervals into
/// google.protobuf.Duration; bytea into bytes; names of values into enums, without the prefix that protobuf wants if need be;
/// arrays into repeated fields; objects into messages by the names of their members; whatever fits its value into a wrapper
/// (google.protobuf.Int64Value). A null column leaves its field unset.
///
/// kInvalidArgument with column and field for a value that does not fit, among them `infinity` as a time and null in an array;
/// for a column that PostgreSQL left out of the change, being large and untouched; for a truncate, which has no keys.
///
/// What it writes is M in protobuf's binary format, and it reads that too, so that stores and topics behind the source hold plain
/// M.
template <ProtobufMessage M>
class DebeziumSerde {
 public:
  explicit DebeziumSerde(const DebeziumOptions& options = {}) : row_(internal::MakeDebeziumRow(*M::descriptor(), options)) {}

  void Serialize(const M& message, Bytes* out) const { message.AppendToString(out); }
  /// A delete is an error.
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, M* message) const {
    const absl::StatusOr<bool> read = DeserializeNullable(bytes, message);
    if (!read.ok()) return read.status();
    return *read ? absl::OkStatus() : internal::NoRow();
  }
  [[nodiscard]] absl::StatusOr<bool> DeserializeNullable(BytesView bytes, M* message) const {
    return internal::ReadDebeziumRow(*row_, bytes, message);
  }
  [[nodiscard]] size_t MemoryBytes(const M& message) const { return message.SpaceUsedLong(); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::ProtobufFingerprint(*M::descriptor()); }

 private:
  std::shared_ptr<const internal::DebeziumRow> row_;
};

/// Keys of such a topic, which are objects of the columns of the primary key: {"id":17}. Writes what it reads, so that a topic
/// written with it has the partitions of Debezium's. Immutable; any thread. kInvalidArgument if the columns are others.
///
/// A topic whose keys have another layout, as those of `Serde<int64_t>`, is partitioned by other bytes: for a join with it,
/// repartition, or have Connect write keys of that layout (docs/from-postgres.md).
template <class K>
class DebeziumKeySerde;

/// A primary key of one column, of a whole number.
template <>
class DebeziumKeySerde<int64_t> {
 public:
  explicit DebeziumKeySerde(std::string column) : column_(std::move(column)) {}
  void Serialize(const int64_t& key, Bytes* out) const { internal::WriteDebeziumKey(column_, key, out); }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, int64_t* key) const {
    return internal::ReadDebeziumKey(bytes, column_, key);
  }
  [[nodiscard]] size_t MemoryBytes(const int64_t&) const { return sizeof(int64_t); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::LayoutNamed("debezium key " + column_ + " int64"); }

 private:
  std::string column_;
};

/// A primary key of one column, of text, UUID or anything else that Debezium writes as text.
template <>
class DebeziumKeySerde<std::string> {
 public:
  explicit DebeziumKeySerde(std::string column) : column_(std::move(column)) {}
  void Serialize(const std::string& key, Bytes* out) const { internal::WriteDebeziumKey(column_, key, out); }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, std::string* key) const {
    return internal::ReadDebeziumKey(bytes, column_, key);
  }
  [[nodiscard]] size_t MemoryBytes(const std::string& key) const { return internal::StringMemory(key); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::LayoutNamed("debezium key " + column_ + " string"); }

 private:
  std::string column_;
};

/// A primary key of several columns: a message with an integer, string or boolean field for each, declared in the key's order.
template <ProtobufMessage K>
class DebeziumKeySerde<K> {
 public:
  DebeziumKeySerde() : row_(internal::MakeDebeziumKeyRow(*K::descriptor())) {}
  void Serialize(const K& key, Bytes* out) const { internal::WriteDebeziumKey(key, out); }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, K* key) const { return internal::ReadDebeziumKey(bytes, *row_, key); }
  [[nodiscard]] size_t MemoryBytes(const K& key) const { return key.SpaceUsedLong(); }
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return internal::DebeziumKeyFingerprint(*K::descriptor()); }

 private:
  std::shared_ptr<const internal::DebeziumRow> row_;
};

}  // namespace millrace

#endif  // MILLRACE_OPERATORS_DEBEZIUM_SERDE_H_
