#ifndef MILLRACE_RUNTIME_CONFIG_CLIENT_SETTINGS_H_
#define MILLRACE_RUNTIME_CONFIG_CLIENT_SETTINGS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace {

/// A setting of Java's Kafka clients and what it becomes for librdkafka.
struct JavaClientSetting {
  std::string_view name;
  /// librdkafka's name; empty = refused.
  std::string_view translated;
  /// Divide an integer by this (bytes to KiB).
  int divisor = 1;
  /// Why it is refused, or what to know about the translation.
  std::string_view note;
};
[[nodiscard]] std::span<const JavaClientSetting> JavaClientSettings();

/// A setting of a client that the runtime decides: a default that the user may change, or fixed.
struct DecidedSetting {
  /// "all", "membership", "consumer", "restore", "producer".
  std::string_view client;
  std::string_view name;
  std::string_view value;
  std::string_view reason;
  bool fixed = false;
};
[[nodiscard]] std::span<const DecidedSetting> DecidedSettings();

/// Names that the client library knows, sorted; aliases too.
[[nodiscard]] const std::vector<std::string>& ClientSettingNames();
/// True if the library reads the setting in clients of this prefix ("consumer.", "restore.", "producer.", "admin.").
[[nodiscard]] bool ClientReads(std::string_view prefix, std::string_view name);

/// The library's own spelling of a name (aliases resolved); the name itself if the library does not know it.
[[nodiscard]] std::string CanonicalClientSetting(std::string_view name);

struct ClientSetting {
  /// In librdkafka's own spelling, aliases resolved; ".file" may stand behind the name of a secret.
  std::string name;
  std::string value;
};
/// Checks and translates one setting (without prefix). kNotFound: nobody knows the name. kInvalidArgument: the value is bad or
/// the setting is refused; the message is the reason.
[[nodiscard]] absl::StatusOr<ClientSetting> ResolveClientSetting(std::string_view name, std::string_view value);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CONFIG_CLIENT_SETTINGS_H_
