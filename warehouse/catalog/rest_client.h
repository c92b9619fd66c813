#ifndef MILLRACE_WAREHOUSE_CATALOG_REST_CLIENT_H_
#define MILLRACE_WAREHOUSE_CATALOG_REST_CLIENT_H_

#include <chrono>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/aws_credentials.h"
#include "storage/http_client.h"

namespace millrace::warehouse {

struct RestOptions {
  std::string address;    // "https://host/path", without "/v1"
  std::string warehouse;  // by the name that the server has for it; empty = its only one
  /// A file with a bearer token and nothing else, read at every request; empty = MILLRACE_REST_TOKEN of the environment, if set.
  std::string token_file;
  /// Requests are signed by AWS Signature Version 4 instead.
  bool sigv4 = false;
  std::string signing_name = "glue";
  std::string signing_region;  // empty: see FindAwsRegion
  AwsCredentialsSource credentials;
  std::chrono::milliseconds retry_time{60000};
  HttpOptions http;
};

/// Requests to an Iceberg REST catalog (REST Catalog Open API specification), with its prefix and credentials. Thread-safe.
class RestClient {
 public:
  explicit RestClient(RestOptions options);

  struct Answer {
    int code = 0;
    std::string body;

    /// What the server says went wrong, as a status by its code; `action` is as in "cannot load shop.payments". 5xx is
    /// Unavailable.
    [[nodiscard]] absl::Status Error(const std::string& action) const;
  };
  using Query = std::vector<std::pair<std::string, std::string>>;

  /// "/v1/<prefix>/" and `path`, which is encoded already. A GET is tried again while that can help; all else is sent once, and
  /// Unavailable says that it may have been done.
  absl::StatusOr<Answer> Send(const std::string& method, const std::string& path, const Query& query, const std::string& body);

 private:
  /// Asks the server for its prefix, once.
  absl::Status Configure();
  absl::StatusOr<Answer> SendTo(const std::string& method, const std::string& url, const std::string& body);
  absl::Status Authenticate(HttpRequest* request) const;

  const RestOptions options_;
  HttpClient http_;
  std::mutex mutex_;
  bool configured_ = false;
  std::string base_;  // "https://host/path/v1/prefix"
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_REST_CLIENT_H_
