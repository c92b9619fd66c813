#ifndef MILLRACE_WAREHOUSE_STORAGE_S3_STORAGE_H_
#define MILLRACE_WAREHOUSE_STORAGE_S3_STORAGE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "storage/aws_credentials.h"
#include "storage/http_client.h"
#include "storage/s3_xml.h"
#include "storage/storage.h"
#include "storage/uri.h"

namespace millrace::warehouse {

struct S3Options {
  /// "https://host:port" of a store that speaks S3; empty = Amazon's of the region.
  std::string endpoint;
  /// Buckets in the path instead of in the host's name. Always so with an endpoint that is an address.
  bool path_style = false;
  std::string region;  // empty: see FindAwsRegion
  AwsCredentialsSource credentials;
  /// Larger files are sent in parts of this size: 5 MiB at least, by the rules of the API.
  int64_t part_bytes = 16 << 20;
  /// How long an operation is tried again while the store is overloaded or cannot be reached.
  std::chrono::milliseconds retry_time{60000};
  HttpOptions http;
};

/// Objects in buckets: "s3://bucket/key"; "s3a://" is the same. WriteIfAbsent is a PUT with "If-None-Match: *", which the store
/// must honour (Catalog::Probe finds out). Every object that is written so carries a random name of its writer: when an answer
/// was lost and the next attempt finds an object, that name tells whether it is our own. Parts of uploads that a killed process
/// leaves are not seen; a lifecycle rule of the bucket should remove them. Follows the Amazon S3 API Reference. Thread-safe.
class S3Storage final : public Storage {
 public:
  explicit S3Storage(S3Options options);

  absl::StatusOr<std::string> Read(const std::string& path) override;
  absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t size) override;
  absl::Status Write(const std::string& path, std::string_view content) override;
  absl::StatusOr<bool> WriteIfAbsent(const std::string& path, std::string_view content) override;
  absl::Status Upload(const std::string& local_file, const std::string& path) override;
  absl::Status List(const std::string& folder, const std::function<void(const FileInfo&)>& file) override;
  absl::Status ListFolders(const std::string& folder, const std::function<void(const std::string&)>& name) override;
  absl::Status Delete(const std::string& path) override;

 private:
  using Query = std::vector<std::pair<std::string, std::string>>;
  using Part = std::function<absl::StatusOr<std::string>(int64_t offset, int64_t size)>;
  struct Answer {
    HttpResponse response;
    bool maybe_done_before = false;  // an earlier attempt got no answer, or one that leaves open what happened
  };

  [[nodiscard]] std::string Url(const Uri& object, const Query& query) const;
  /// Tries again while that can help. Only answers that are no such reason come out.
  absl::StatusOr<Answer> Send(HttpRequest request);
  absl::StatusOr<bool> IsOurs(const Uri& object, const std::string& writer, std::string_view content);
  absl::Status PutMultipart(const Uri& object, int64_t size, const Part& part);
  absl::StatusOr<std::string> PutPart(const Uri& object, const std::string& upload, int64_t number, std::string_view content);
  absl::Status CompleteMultipart(const Uri& object, const std::string& upload, const std::vector<std::string>& tags,
                                 int64_t size);
  /// Of all objects below a folder; `delimiter` is "/" or nothing.
  absl::Status ListPages(const Uri& folder, const std::string& delimiter, const std::function<void(const S3Page&)>& page);

  const S3Options options_;
  const std::string region_;
  HttpClient http_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_S3_STORAGE_H_
