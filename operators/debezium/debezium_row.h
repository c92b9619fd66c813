#ifndef MILLRACE_OPERATORS_DEBEZIUM_DEBEZIUM_ROW_H_
#define MILLRACE_OPERATORS_DEBEZIUM_DEBEZIUM_ROW_H_

#include <google/protobuf/message.h>

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "millrace/operators/debezium_serde.h"

namespace millrace::internal {

/// Where each column of a table goes, worked out once. Immutable; any thread.
class DebeziumRow {
 public:
  DebeziumRow(const google::protobuf::Descriptor& message, const DebeziumOptions& options);

  /// A mistake in the options.
  [[nodiscard]] const absl::Status& problem() const { return problem_; }
  [[nodiscard]] const google::protobuf::Descriptor& message() const { return *message_; }

  /// Sets the fields of an empty message; kInvalidArgument names column and field.
  [[nodiscard]] absl::Status Fill(const nlohmann::json& row, google::protobuf::Message* message) const;

 private:
  struct Column {
    const google::protobuf::FieldDescriptor* field;
    DebeziumColumn options;
  };
  void Place(const std::string& column, const DebeziumColumn& options);

  const google::protobuf::Descriptor* const message_;
  const bool refuse_unknown_columns_;
  absl::flat_hash_map<std::string, Column> columns_;
  absl::Status problem_;
};

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_DEBEZIUM_DEBEZIUM_ROW_H_
