#ifndef MILLRACE_RUNTIME_HTTP_OBSERVABILITY_SERVER_H_
#define MILLRACE_RUNTIME_HTTP_OBSERVABILITY_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/health.h"

namespace millrace {

struct ObservabilityServerOptions {
  std::string host = "127.0.0.1";
  /// 0 takes a free port: see ObservabilityServer::port().
  int port = 0;
};

/// What is served. Called on the server's threads, once a request; thread-safe.
struct ObservedPages {
  std::function<std::string()> metrics;  // Prometheus text 0.0.4
  std::function<Health()> live;
  std::function<Health()> ready;

  /// Of a runtime, whose snapshot function must be thread-safe.
  static ObservedPages Of(std::function<RuntimeSnapshot()> snapshot);
};

/// Serves /metrics, /livez and /readyz, read-only, on threads of its own. Destruction stops the server and waits for running
/// requests.
class ObservabilityServer {
 public:
  /// kUnavailable with host and port if the address cannot be bound.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<ObservabilityServer>> Start(const ObservabilityServerOptions& options,
                                                                                  ObservedPages pages);
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
