#include "storage/storage_factory.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/configuration.h"
#include "storage/local_storage.h"
#include "storage/uri.h"

namespace millrace::warehouse {

absl::StatusOr<StorageOptions> TakeStorageOptions(std::map<std::string, std::string>* configuration) {
  ConfigurationTaker take(configuration);
  StorageOptions options;
  S3Options& s3 = options.s3;
  take.Text("s3.endpoint", &s3.endpoint);
  take.Boolean("s3.path-style-access", &s3.path_style);
  take.Text("s3.region", &s3.region);
  take.Number("s3.multipart.part-size-bytes", 5 << 20, &s3.part_bytes);
  take.Text("s3.profile", &s3.credentials.profile);
  take.Text("s3.credentials-file", &s3.credentials.credentials_file);
  take.Text("s3.access-key-id-file", &s3.credentials.access_key_id_file);
  take.Text("s3.secret-access-key-file", &s3.credentials.secret_access_key_file);
  take.Text("s3.session-token-file", &s3.credentials.session_token_file);
  take.Text("hdfs.endpoint", &options.hdfs.endpoint);
  take.Text("hdfs.user", &options.hdfs.user);

  int64_t retry_ms = s3.retry_time.count();
  int64_t connect_ms = s3.http.connect_timeout.count();
  int64_t stall_s = s3.http.stall_timeout.count();
  take.Number("storage.retry-timeout-ms", 0, &retry_ms);
  take.Number("storage.connect-timeout-ms", 1, &connect_ms);
  take.Number("storage.stall-timeout-s", 1, &stall_s);
  take.Text("storage.ca-file", &s3.http.ca_file);
  s3.retry_time = std::chrono::milliseconds(retry_ms);
  s3.http.connect_timeout = std::chrono::milliseconds(connect_ms);
  s3.http.stall_timeout = std::chrono::seconds(stall_s);
  options.hdfs.retry_time = s3.retry_time;
  options.hdfs.http = s3.http;
  for (const auto& [key, endpoint] : {std::pair("s3.endpoint", s3.endpoint), std::pair("hdfs.endpoint", options.hdfs.endpoint)}) {
    if (absl::Status status = CheckHttpAddress(key, endpoint); !endpoint.empty() && !status.ok()) return status;
  }
  if (!take.status().ok()) return take.status();
  return options;
}

absl::StatusOr<std::shared_ptr<Storage>> OpenStorage(const std::string& uri, const StorageOptions& options) {
  absl::StatusOr<Uri> parsed = ParseUri(uri);
  if (!parsed.ok()) return parsed.status();
  const std::string& scheme = parsed->scheme;
  if (scheme == "file") return std::make_shared<LocalStorage>();
  if (scheme == "s3" || scheme == "s3a") return std::make_shared<S3Storage>(options.s3);
  if (scheme == "hdfs" || scheme == "webhdfs" || scheme == "swebhdfs") return std::make_shared<WebHdfsStorage>(options.hdfs);
  return absl::InvalidArgumentError(absl::StrCat("'", uri, "': there is no storage for '", scheme, "'; use file, s3 or hdfs"));
}

}  // namespace millrace::warehouse
