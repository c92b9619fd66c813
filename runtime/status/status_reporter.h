#ifndef MILLRACE_RUNTIME_STATUS_STATUS_REPORTER_H_
#define MILLRACE_RUNTIME_STATUS_STATUS_REPORTER_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "host/host.h"
#include "log/log.h"
#include "millrace/state/bytes.h"
#include "status/millrace_status.pb.h"

namespace millrace {

/// Writes the record of one instance to the status topic. One thread, which is none that processes records. A broker that does
/// not answer costs the record, never the instance: failures are logged, once until it works again.
class StatusReporter {
 public:
  /// `instance` has what does not change: id, topology hash, software, interval. Host, process and start are filled in.
  StatusReporter(Host* host, log::LogClient* client, std::string topic, internal::Instance instance);

  /// Does not wait for the delivery. Rates are those since the call before.
  void Report(const std::string& state, std::vector<internal::WorkerStatus> workers);
  /// The last record of an instance that failed; stays until it has been dead for long. Waits for the delivery, 5 s at most.
  void ReportFailure(const std::string& state, const absl::Status& error);
  /// Removes the record: a clean end. Waits for the delivery, 5 s at most.
  void Remove();

 private:
  void Send(NullableBytesView value, bool wait);
  [[nodiscard]] absl::Status TrySend(NullableBytesView value, bool wait);
  void FillRates(internal::Instance* instance);

  Host* const host_;
  log::LogClient* const client_;
  const std::string topic_;
  internal::Instance instance_;
  std::unique_ptr<log::Producer> producer_;
  std::map<std::string, int64_t> consumed_;  // by worker, at the last report
  std::chrono::nanoseconds reported_{0};
  bool failing_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STATUS_STATUS_REPORTER_H_
