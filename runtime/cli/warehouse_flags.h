#ifndef MILLRACE_RUNTIME_CLI_WAREHOUSE_FLAGS_H_
#define MILLRACE_RUNTIME_CLI_WAREHOUSE_FLAGS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/topologies/topology.h"
#include "millrace/warehouse/warehouse.h"

// The commands that read the warehouse: `tables`, `ddl`, `export`.

namespace millrace {

struct TablesFlags {
  std::string table;  // empty: all
  bool json = false;
};

struct DdlFlags {
  std::string engine;
  std::vector<std::string> tables;  // none: all
};

struct ExportFlags {
  std::string table;
  std::optional<int64_t> snapshot;
  std::string topic;
  std::string message;
  bool skip_errors = false;
  std::string output = "-";
  std::string columns;  // with commas
  bool byte_order_mark = false;
  bool raw = false;
  std::string day;    // COLUMN=YYYY-MM-DD
  std::string daily;  // a column
  std::string folder;
  int64_t days = 31;
  bool rewrite = false;
};

/// Each does its command and returns the exit code. `topics` are those that a topology lands.
[[nodiscard]] int PrintTables(const StreamsConfig& config, const TablesFlags& flags);
[[nodiscard]] int PrintDdl(const StreamsConfig& config, const DdlFlags& flags);
[[nodiscard]] int ExportCsv(const StreamsConfig& config, const ExportFlags& flags, const std::vector<LandedTopic>& topics);

/// The warehouse of a configuration for reading only.
[[nodiscard]] absl::StatusOr<std::unique_ptr<warehouse::Warehouse>> OpenToRead(const StreamsConfig& config);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CLI_WAREHOUSE_FLAGS_H_
