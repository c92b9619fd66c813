#ifndef MILLRACE_WAREHOUSE_REGISTRY_REGISTRY_CLIENT_H_
#define MILLRACE_WAREHOUSE_REGISTRY_REGISTRY_CLIENT_H_

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/http_client.h"

namespace millrace::warehouse {

struct RegistryOptions {
  std::string address;  // "https://host:port", with a path if there is one
  /// A file with "user:password" and nothing else, read at every request; empty = no authentication.
  std::string credentials_file;
  std::chrono::milliseconds retry_time{30000};
  HttpOptions http;
};

/// A version of a subject.
struct RegisteredSchema {
  struct Reference {
    std::string name;  // as it stands in an import
    std::string subject;
    int version = 0;
  };

  int id = 0;
  std::string text;  // of a .proto file, or a FileDescriptorProto in base64
  std::vector<Reference> references;
};

/// Reads protobuf schemas from a Schema Registry (the HTTP interface of Confluent's, which Apicurio and Karapace offer too).
/// Requests are tried again while that can help. Errors: NotFound, Unavailable, Unauthenticated, PermissionDenied;
/// FailedPrecondition if a schema is not of protobuf, or the answer is none of a registry. Thread-safe.
class RegistryClient {
 public:
  explicit RegistryClient(RegistryOptions options);

  absl::StatusOr<RegisteredSchema> Latest(const std::string& subject);
  absl::StatusOr<RegisteredSchema> Version(const std::string& subject, int version);
  absl::StatusOr<RegisteredSchema> ById(int id);

 private:
  /// `what` is as in "subject payments-value".
  absl::StatusOr<RegisteredSchema> Get(const std::string& path, const std::string& what);
  absl::StatusOr<HttpResponse> Send(const std::string& url);

  const RegistryOptions options_;
  HttpClient http_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_REGISTRY_REGISTRY_CLIENT_H_
