#ifndef MILLRACE_RUNTIME_CONFIG_CONFIG_TABLE_H_
#define MILLRACE_RUNTIME_CONFIG_CONFIG_TABLE_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace {

enum class ConfigType { kText, kInteger, kChoice, kChoices, kTopicPart };

/// One setting: what checks its values, what --print-config shows and what the reference page says, in one place.
struct ConfigEntry {
  std::string_view section;
  std::string_view name;
  ConfigType type = ConfigType::kText;
  /// nullptr: no default.
  const char* default_value = nullptr;
  /// For kInteger.
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
  /// For kInteger: "milliseconds", "bytes", ...
  std::string_view unit = {};
  /// For kChoice and kChoices (one alone, or several of those with a '.' joined by commas): "name", or "other=name" for another
  /// spelling (Java's class names), separated by spaces. Shown: the plain ones.
  std::string_view choices = {};
  std::string_view doc;
  /// Set where the default is not Kafka's: which that is, and why ours differs.
  std::string_view differs = {};
  /// A setting of Kafka's consumer: also known with the prefixes "consumer." and "main.consumer.".
  bool of_consumer = false;
};

[[nodiscard]] std::span<const ConfigEntry> ConfigTable();
/// nullptr if there is none.
[[nodiscard]] const ConfigEntry* FindConfigEntry(std::string_view name);
/// What a value must be, for messages and the page: "an integer from 1 to 1024".
[[nodiscard]] std::string ExpectedValue(const ConfigEntry& entry);
/// The value in its own spelling, or an error that says what is expected.
[[nodiscard]] absl::StatusOr<std::string> CheckConfigValue(const ConfigEntry& entry, std::string_view value);

/// A setting of Kafka Streams that is not offered, and why, or what to use.
struct RefusedSetting {
  std::string_view name;
  std::string_view reason;
  /// A value that says what Millrace does anyway and so is accepted; "" if none.
  std::string_view accepted_value = {};
};
[[nodiscard]] std::span<const RefusedSetting> RefusedStreamsSettings();

/// True if values of the setting must not be shown.
[[nodiscard]] bool IsSecret(std::string_view name);
/// The value of a setting as it may be shown: nothing of a secret, and of a URI all but a password in it.
[[nodiscard]] std::string ShownValue(std::string_view name, const std::string& value);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CONFIG_CONFIG_TABLE_H_
