#ifndef MILLRACE_WAREHOUSE_STORAGE_CONFIGURATION_H_
#define MILLRACE_WAREHOUSE_STORAGE_CONFIGURATION_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"

namespace millrace::warehouse {

/// Takes settings out of a map, so that what stays in it was not known. A key that is not there leaves the default. The first
/// value that is none is kept as an InvalidArgument with its key; values are not printed, as they might be secrets.
class ConfigurationTaker {
 public:
  explicit ConfigurationTaker(std::map<std::string, std::string>* configuration) : configuration_(configuration) {}

  /// True if the key was there.
  bool Text(const std::string& key, std::string* value);
  bool Boolean(const std::string& key, bool* value);
  bool Number(const std::string& key, int64_t at_least, int64_t* value);
  /// There must be one, and not an empty one. `meaning` says what it is.
  void Required(const std::string& key, const std::string& meaning, std::string* value);

  [[nodiscard]] const absl::Status& status() const { return status_; }

 private:
  void Fail(const std::string& message);

  std::map<std::string, std::string>* const configuration_;
  absl::Status status_;
};

/// InvalidArgument with the key if `address` is no "http://..." or "https://...", or has a user in it.
absl::Status CheckHttpAddress(const std::string& key, const std::string& address);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_CONFIGURATION_H_
