#include "protobuf/column_record.h"

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::warehouse {

int ColumnRecord::Find(std::string_view path) const {
  const auto found = ids.find(path);
  return found == ids.end() ? 0 : found->second;
}

std::string ColumnRecord::Serialize() const {
  std::string result;
  for (const auto& [path, id] : ids) {
    absl::StrAppend(&result, result.empty() ? "" : ",", path, "=", id);
  }
  return result;
}

absl::StatusOr<ColumnRecord> ColumnRecord::Parse(std::string_view text) {
  ColumnRecord result;
  std::set<int> seen;
  for (const absl::string_view entry : absl::StrSplit(absl::string_view(text.data(), text.size()), ',', absl::SkipEmpty())) {
    const size_t equals = entry.rfind('=');
    int id = 0;
    if (equals == absl::string_view::npos || equals == 0 || !absl::SimpleAtoi(entry.substr(equals + 1), &id) || id < 1 ||
        !seen.insert(id).second || !result.ids.emplace(std::string(entry.substr(0, equals)), id).second) {
      return absl::InvalidArgumentError(absl::StrCat("the table's record of columns is damaged at \"", std::string(entry),
                                                     "\"; restore the property from an older metadata file of the table"));
    }
  }
  return result;
}

}  // namespace millrace::warehouse
