#ifndef MILLRACE_RUNTIME_CONFIG_STREAMS_CONFIG_DATA_H_
#define MILLRACE_RUNTIME_CONFIG_STREAMS_CONFIG_DATA_H_

#include <map>
#include <string>

#include "millrace/runtime/streams_config.h"

namespace millrace {

struct ConfigValue {
  std::string text;
  /// "default", "the program", the path of a file, "APP_...", "--set".
  std::string origin;
};

struct ConfigData {
  /// Settings of the table that have a value or a default.
  std::map<std::string, ConfigValue, std::less<>> values;
  /// Client and topic settings as they were given, with prefix, for printing.
  std::map<std::string, ConfigValue, std::less<>> others;
  std::map<std::string, Properties, std::less<>> clients;  // by prefix
  Properties topic;
  Properties warehouse;  // those that the table does not have, without prefix
  Properties serving;    // the same
};

struct StreamsConfig::Data : ConfigData {};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CONFIG_STREAMS_CONFIG_DATA_H_
