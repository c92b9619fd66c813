#ifndef MILLRACE_TOPOLOGIES_TSHIRT_DEMO_TABLES_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_DEMO_TABLES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "demo.h"
#include "millrace/runtime/topic_io.h"
#include "millrace/runtime/warehouse_landing.h"

namespace millrace::tshirt {

/// The tables of the demo: what it lands of the shop's topics. One thread.
class DemoTables {
 public:
  /// Lands every topic that the shop's topology names. `application_id` is the demo's; options.directory must be there.
  absl::Status Start(TopicClient* client, const std::string& application_id, const DemoOptions& options);
  [[nodiscard]] absl::Status error() const { return landing_ ? landing_->error() : absl::OkStatus(); }
  /// Until all that is in the topics is in the tables; then ends the landing.
  absl::Status Finish();
  /// By "namespace.table"; of this demo.
  [[nodiscard]] const std::map<std::string, int64_t>& rows() const { return rows_; }
  [[nodiscard]] const std::string& uri() const { return uri_; }

 private:
  TopicClient* client_ = nullptr;
  std::string application_id_;
  std::string uri_;
  std::vector<std::string> topics_;
  std::unique_ptr<WarehouseLanding> landing_;
  std::map<std::string, int64_t> rows_;
};

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_DEMO_TABLES_H_
