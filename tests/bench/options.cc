#include "options.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace millrace::bench {

absl::StatusOr<Options> Options::Parse(int argc, char** argv) {
  Options options;
  for (int i = 0; i < argc; i += 2) {
    const std::string name = argv[i];
    if (!name.starts_with("--") || i + 1 == argc) {
      return absl::InvalidArgumentError(absl::StrCat("bad option ", name, ": options are pairs, --name value"));
    }
    if (name == "--set") {
      options.settings_.emplace_back(argv[i + 1]);
    } else {
      options.values_[name.substr(2)] = argv[i + 1];
    }
  }
  return options;
}

std::string Options::Get(const std::string& name, const std::string& otherwise) const {
  const auto it = values_.find(name);
  return it == values_.end() ? otherwise : it->second;
}

int64_t Options::Number(const std::string& name, int64_t otherwise) const {
  if (!Has(name)) return otherwise;
  std::string digits = Get(name);
  std::erase(digits, '_');
  return std::strtoll(digits.c_str(), nullptr, 10);
}

absl::Status Options::Require(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    if (!Has(name)) return absl::InvalidArgumentError(absl::StrCat("--", name, " is required"));
  }
  return absl::OkStatus();
}

}  // namespace millrace::bench
