#ifndef MILLRACE_RUNTIME_WAREHOUSE_LANDING_H_
#define MILLRACE_RUNTIME_WAREHOUSE_LANDING_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "millrace/runtime/health.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/topologies/topology.h"

namespace millrace {

namespace log {
class LogClient;
}  // namespace log

/// Lands topics in tables of the warehouse: those that a topology names (ToWarehouse, LandTopic) and those of the configuration
/// (warehouse.table.*); and in tables of PostgreSQL those of serving.table.*, where serving.uri is set. One member of the groups
/// "<application.id>-warehouse" and "<application.id>-serving"; start as many as the load needs, in the
/// processes that run the topology or in their own. What is landed once is decided by the tables, not by the group. Main and
/// RunUntilStopped run one beside the topology where warehouse.uri is set; `land` runs nothing else. What fails to land does not
/// stop a topology, and a table that fails does not stop another.
///
/// All methods may be called from any thread.
class WarehouseLanding {
 public:
  /// Connects to config.bootstrap_servers() at Start. `topics` are Topology::landed_topics().
  WarehouseLanding(StreamsConfig config, std::vector<LandedTopic> topics);
  /// On a given log.
  WarehouseLanding(StreamsConfig config, std::vector<LandedTopic> topics, std::shared_ptr<log::LogClient> client);
  /// Closes.
  ~WarehouseLanding();
  WarehouseLanding(const WarehouseLanding&) = delete;
  WarehouseLanding& operator=(const WarehouseLanding&) = delete;

  /// True if the configuration says where the warehouse is, and there is a topic to land.
  [[nodiscard]] static bool Wanted(const StreamsConfig& config, const std::vector<LandedTopic>& topics);

  /// Before Start: called on some thread when error() is not OK any more.
  void SetFailureListener(std::function<void()> listener);
  /// Opens the warehouse, which a probe of its catalog must like, and begins. InvalidArgument: the settings; NotFound: topics or
  /// the module; FailedPrecondition: the storage does not do what commits need. Tables are opened later, where errors that may
  /// pass are tried again. Call once.
  [[nodiscard]] absl::Status Start();
  /// Commits what was read, and leaves the group.
  void Close();

  /// Why it lands nothing; OK while it can land a table. While all tables have failed it is what the last of them says.
  [[nodiscard]] absl::Status error() const;
  /// What somebody must act on, by "namespace.table". Such a table is tried again every five minutes.
  [[nodiscard]] std::map<std::string, std::string> FailedTables() const;
  /// Rows that this process has made part of each table, by "namespace.table".
  [[nodiscard]] std::map<std::string, int64_t> RowsLanded() const;
  /// In Prometheus' text format 0.0.4 (docs/metrics.md).
  [[nodiscard]] std::string MetricsText() const;
  /// Not ok while a table waits for something, and after an error; the body says for what.
  [[nodiscard]] Health Readiness() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_WAREHOUSE_LANDING_H_
