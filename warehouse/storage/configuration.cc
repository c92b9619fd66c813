#include "storage/configuration.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace millrace::warehouse {

void ConfigurationTaker::Fail(const std::string& message) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(message);
}

bool ConfigurationTaker::Text(const std::string& key, std::string* value) {
  const auto found = configuration_->find(key);
  if (found == configuration_->end()) return false;
  *value = found->second;
  configuration_->erase(found);
  return true;
}

bool ConfigurationTaker::Boolean(const std::string& key, bool* value) {
  std::string text;
  if (!Text(key, &text)) return false;
  if (text != "true" && text != "false") {
    Fail(absl::StrCat(key, " must be true or false"));
    return true;
  }
  *value = text == "true";
  return true;
}

bool ConfigurationTaker::Number(const std::string& key, int64_t at_least, int64_t* value) {
  std::string text;
  if (!Text(key, &text)) return false;
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number < at_least) {
    Fail(absl::StrCat(key, " must be a whole number of at least ", at_least));
    return true;
  }
  *value = number;
  return true;
}

void ConfigurationTaker::Required(const std::string& key, const std::string& meaning, std::string* value) {
  if (!Text(key, value) || value->empty()) Fail(absl::StrCat(key, " is missing: ", meaning));
}

absl::Status CheckHttpAddress(const std::string& key, const std::string& address) {
  if (!address.starts_with("http://") && !address.starts_with("https://")) {
    return absl::InvalidArgumentError(absl::StrCat(key, " must start with http:// or https://"));
  }
  if (address.substr(0, address.find('/', 8)).find('@') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(key, " has a user in it; credentials come from the environment or files"));
  }
  return absl::OkStatus();
}

}  // namespace millrace::warehouse
