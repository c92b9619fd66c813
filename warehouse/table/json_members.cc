#include "table/json_members.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

// A schema of this depth would be refused by every engine; the JSON library writes and compares values by recursion.
constexpr int kDeepestNesting = 200;

const json& EmptyArray() {
  static const json empty = json::array();
  return empty;
}

const json& EmptyObject() {
  static const json empty = json::object();
  return empty;
}

bool TooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepestNesting) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<json> ParseJson(std::string_view text, const std::string& where) {
  if (TooDeep(text)) return absl::InvalidArgumentError(absl::StrCat(where, ": JSON nested more than ", kDeepestNesting, " deep"));
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return absl::InvalidArgumentError(absl::StrCat(where, ": no JSON, or damaged"));
  return value;
}

std::string DumpJson(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

JsonMembers::JsonMembers(const json& object, std::string where, absl::Status* error)
    : object_(object), where_(std::move(where)), error_(error) {
  if (!object_.is_object()) Fail("is no JSON object");
}

const json* JsonMembers::Find(const char* name) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void JsonMembers::Fail(const std::string& what) {
  if (error_->ok()) *error_ = absl::InvalidArgumentError(absl::StrCat(where_, ": ", what));
}

bool JsonMembers::Has(const char* name) const { return Find(name) != nullptr; }

int64_t JsonMembers::Int64(const char* name) {
  const json* value = Find(name);
  const bool fits = value && value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()});
  if (fits) return value->get<int64_t>();
  Fail(absl::StrCat("'", name, "' is missing or no integer of 64 bits"));
  return 0;
}

int JsonMembers::Int(const char* name) {
  const int64_t value = Int64(name);
  if (value >= std::numeric_limits<int>::min() && value <= std::numeric_limits<int>::max()) return static_cast<int>(value);
  Fail(absl::StrCat("'", name, "' is no integer of 32 bits"));
  return 0;
}

bool JsonMembers::Bool(const char* name) {
  const json* value = Find(name);
  if (value && value->is_boolean()) return value->get<bool>();
  Fail(absl::StrCat("'", name, "' is missing or no boolean"));
  return false;
}

std::string JsonMembers::String(const char* name) {
  const json* value = Find(name);
  if (value && value->is_string()) return value->get<std::string>();
  Fail(absl::StrCat("'", name, "' is missing or no text"));
  return "";
}

const json& JsonMembers::Array(const char* name) {
  const json* value = Find(name);
  if (value && value->is_array()) return *value;
  Fail(absl::StrCat("'", name, "' is missing or no array"));
  return EmptyArray();
}

const json& JsonMembers::Object(const char* name) {
  const json* value = Find(name);
  if (value && value->is_object()) return *value;
  Fail(absl::StrCat("'", name, "' is missing or no object"));
  return EmptyObject();
}

std::optional<int64_t> JsonMembers::OptionalInt64(const char* name) {
  return Has(name) ? std::optional<int64_t>(Int64(name)) : std::nullopt;
}

std::optional<int> JsonMembers::OptionalInt(const char* name) { return Has(name) ? std::optional<int>(Int(name)) : std::nullopt; }

std::string JsonMembers::OptionalString(const char* name) { return Has(name) ? String(name) : ""; }

const json& JsonMembers::OptionalArray(const char* name) { return Has(name) ? Array(name) : EmptyArray(); }

const json& JsonMembers::OptionalObject(const char* name) { return Has(name) ? Object(name) : EmptyObject(); }

std::map<std::string, std::string> JsonMembers::OptionalStrings(const char* name) {
  std::map<std::string, std::string> strings;
  for (const auto& [key, value] : OptionalObject(name).items()) {
    if (value.is_string()) {
      strings[key] = value.get<std::string>();
    } else {
      Fail(absl::StrCat("'", name, "' has a value that is no text: '", key, "'"));
    }
  }
  return strings;
}

}  // namespace millrace::warehouse
