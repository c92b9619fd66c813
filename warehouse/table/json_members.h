#ifndef MILLRACE_WAREHOUSE_TABLE_JSON_MEMBERS_H_
#define MILLRACE_WAREHOUSE_TABLE_JSON_MEMBERS_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// Text as JSON. InvalidArgument if it is none, or nested so deeply that nobody can have meant it. `where` is for messages.
absl::StatusOr<nlohmann::json> ParseJson(std::string_view text, const std::string& where);

/// JSON as text. Never throws: bytes that are no UTF-8 become replacement characters.
std::string DumpJson(const nlohmann::json& value);

/// Reads members of a JSON object. What is missing or of another type than asked for becomes the error, if none stands yet, and
/// reads as zero or empty; so a caller reads all members and looks at the error once. Refers to the object and the error.
class JsonMembers {
 public:
  /// `where` says in messages what the object is: "snapshot 2 of file:///x".
  JsonMembers(const nlohmann::json& object, std::string where, absl::Status* error);

  [[nodiscard]] bool Has(const char* name) const;  // and it is not null
  int64_t Int64(const char* name);
  int Int(const char* name);
  bool Bool(const char* name);
  std::string String(const char* name);
  const nlohmann::json& Array(const char* name);
  const nlohmann::json& Object(const char* name);
  /// Null and missing are the same: nullopt or empty.
  std::optional<int64_t> OptionalInt64(const char* name);
  std::optional<int> OptionalInt(const char* name);
  std::string OptionalString(const char* name);
  const nlohmann::json& OptionalArray(const char* name);
  const nlohmann::json& OptionalObject(const char* name);
  std::map<std::string, std::string> OptionalStrings(const char* name);

  void Fail(const std::string& what);
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  const nlohmann::json* Find(const char* name) const;

  const nlohmann::json& object_;
  std::string where_;
  absl::Status* error_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_JSON_MEMBERS_H_
