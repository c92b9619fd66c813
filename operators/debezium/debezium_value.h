#ifndef MILLRACE_OPERATORS_DEBEZIUM_DEBEZIUM_VALUE_H_
#define MILLRACE_OPERATORS_DEBEZIUM_DEBEZIUM_VALUE_H_

#include <google/protobuf/message.h>

#include <nlohmann/json_fwd.hpp>

#include "absl/status/status.h"
#include "millrace/operators/debezium_serde.h"

namespace millrace::internal {

/// Sets the field, or adds to a repeated one, what the JSON says. Not for null. kInvalidArgument says why the value does not fit;
/// the caller says which column and field.
[[nodiscard]] absl::Status SetDebeziumField(const nlohmann::json& value, const DebeziumColumn& column,
                                            const google::protobuf::FieldDescriptor& field, google::protobuf::Message* message);

/// What stands in a change for a large value that was not touched: in text, JSON and arrays of text, in bytea (base64), and in
/// arrays of integers (its letters).
[[nodiscard]] bool IsUnavailable(const nlohmann::json& value);

/// Of a value in an error, at most 40 characters.
[[nodiscard]] std::string ShownValue(const nlohmann::json& value);

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_DEBEZIUM_DEBEZIUM_VALUE_H_
