#ifndef MILLRACE_RUNTIME_HTTP_OBSERVABILITY_SERVER_H_
#define MILLRACE_RUNTIME_HTTP_OBSERVABILITY_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "metrics/runtime_snapshot.h"

namespace millrace {

struct ObservabilityServerOptions {
  std::string host = "127.0.0.1";
  /// 0 takes a free port: see ObservabilityServer::port().
  int port = 0;
};

/// Serves /metrics (Prometheus text), /livez and /readyz, read-only, on threads of its own. The snapshot function is called on
/// those threads, once a request, and must be thread-safe. Destruction stops the server and waits for running requests.
class ObservabilityServer {
 public:
  using SnapshotFunction = std::function<RuntimeSnapshot()>;

  /// kUnavailable with host and port if the address cannot be bound.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<ObservabilityServer>> Start(const ObservabilityServerOptions& options,
                                                                                  SnapshotFunction snapshot);
  ~ObservabilityServer();
  ObservabilityServer(const ObservabilityServer&) = delete;
  ObservabilityServer& operator=(const ObservabilityServer&) = delete;

  [[nodiscard]] int port() const;

 private:
  class Impl;
  explicit ObservabilityServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_HTTP_OBSERVABILITY_SERVER_H_
