#include "http/observability_server.h"

#include <httplib.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "metrics/health.h"
#include "metrics/process_memory.h"
#include "metrics/prometheus_text.h"

namespace millrace {

class ObservabilityServer::Impl {
 public:
  explicit Impl(ObservedPages pages) : pages_(std::move(pages)) {}
  ~Impl() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Start(const ObservabilityServerOptions& options) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(4); };
    server_.set_keep_alive_max_count(100);
    server_.set_keep_alive_timeout(2);
    server_.set_read_timeout(5);
    server_.set_write_timeout(5);
    server_.set_payload_max_length(1024);
    // httplib's default shares the port with any other process that asks for it, and a port in use would go unnoticed.
    server_.set_socket_options([](socket_t socket) {
      const int on = 1;
      (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    });
    AddRoutes();
    if (options.port == 0) {
      port_ = server_.bind_to_any_port(options.host);
    } else {
      port_ = server_.bind_to_port(options.host, options.port) ? options.port : -1;
    }
    if (port_ < 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", options.host, ":", options.port,
                       ": the address is not of this machine or the port is in use (http.host, http.port)"));
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // stop() has an effect only on a server that runs.
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return absl::OkStatus();
  }

  [[nodiscard]] int port() const { return port_; }

 private:
  void AddRoutes() {
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(pages_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    server_.Get("/livez", [this](const httplib::Request&, httplib::Response& response) { Answer(pages_.live(), &response); });
    server_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) { Answer(pages_.ready(), &response); });
    server_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("/metrics /livez /readyz\n", "text/plain");
    });
  }

  static void Answer(const Health& health, httplib::Response* response) {
    response->status = health.ok ? 200 : 503;
    response->set_content(health.body, "application/json");
  }

  ObservedPages pages_;
  httplib::Server server_;
  int port_ = -1;
  std::thread thread_;
};

ObservedPages ObservedPages::Of(std::function<RuntimeSnapshot()> snapshot) {
  ObservedPages pages;
  pages.metrics = [snapshot] {
    RuntimeSnapshot seen = snapshot();
    AddProcessMemory(&seen);
    return PrometheusText(seen);
  };
  pages.live = [snapshot] { return Liveness(snapshot()); };
  pages.ready = [snapshot] { return Readiness(snapshot()); };
  return pages;
}

ObservabilityServer::ObservabilityServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ObservabilityServer::~ObservabilityServer() = default;

absl::StatusOr<std::unique_ptr<ObservabilityServer>> ObservabilityServer::Start(const ObservabilityServerOptions& options,
                                                                                ObservedPages pages) {
  auto impl = std::make_unique<Impl>(std::move(pages));
  if (absl::Status status = impl->Start(options); !status.ok()) return status;
  return std::unique_ptr<ObservabilityServer>(new ObservabilityServer(std::move(impl)));
}

int ObservabilityServer::port() const { return impl_->port(); }

}  // namespace millrace
