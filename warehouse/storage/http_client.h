#ifndef MILLRACE_WAREHOUSE_STORAGE_HTTP_CLIENT_H_
#define MILLRACE_WAREHOUSE_STORAGE_HTTP_CLIENT_H_

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/aws_credentials.h"

namespace millrace::warehouse {

/// Signs a request by AWS Signature Version 4, with all headers that the request names and the hash of its body.
struct AwsSigning {
  AwsCredentials credentials;
  std::string region;
  std::string service;  // "s3", "glue"
};

struct HttpRequest {
  std::string method = "GET";
  /// Encoded; with a query as EncodeQuery makes it.
  std::string url;
  /// By name; a request with a body needs a Content-Type.
  std::map<std::string, std::string> headers;
  std::string_view body;  // must live until Send has returned
  std::optional<AwsSigning> signing;
  bool follow_redirects = false;
  /// Sent at most once, over a new connection: on an old one that was closed meanwhile the library would send it again by
  /// itself, also when the server had done it already.
  bool at_most_once = false;
};

struct HttpResponse {
  int code = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  /// Nothing if there is no such header.
  [[nodiscard]] std::string Header(const std::string& name) const;
};

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{10000};
  /// A request fails if not a byte moves for so long. Whole seconds.
  std::chrono::seconds stall_timeout{30};
  /// Certificates that are trusted, as a PEM file; empty = the system's.
  std::string ca_file;
};

/// HTTP/1.1 requests over connections that are kept and used again. Thread-safe: each request in flight has a connection of its
/// own. Never logs, and puts neither headers nor queries into messages.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any answer is OK, whatever its code. Errors: Aborted = no connection, the request has not been sent; Unavailable or
  /// DeadlineExceeded = no answer, it may have been done; FailedPrecondition = TLS refused; InvalidArgument = the URL.
  absl::StatusOr<HttpResponse> Send(const HttpRequest& request);

 private:
  struct Connection;

  std::unique_ptr<Connection> Take();
  void Give(std::unique_ptr<Connection> connection);

  const HttpOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

/// True for errors of Send after which the same request may be sent again, if it may be done twice.
bool IsTransient(const absl::Status& status);
/// True for answers after which that is so, too: 429 and what servers say while they are overloaded or restart.
bool IsTransient(int http_code);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_HTTP_CLIENT_H_
