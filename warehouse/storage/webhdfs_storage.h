#ifndef MILLRACE_WAREHOUSE_STORAGE_WEBHDFS_STORAGE_H_
#define MILLRACE_WAREHOUSE_STORAGE_WEBHDFS_STORAGE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "storage/http_client.h"
#include "storage/storage.h"
#include "storage/uri.h"

namespace millrace::warehouse {

struct WebHdfsOptions {
  /// "http://host:port" (or https) where WebHDFS or HttpFS is served; empty = http at the host and port in the paths.
  std::string endpoint;
  std::string user;  // "user.name" of each request; empty = the environment's HADOOP_USER_NAME or USER
  /// How long an operation is tried again while the name node is in safe mode, on standby, or cannot be reached.
  std::chrono::milliseconds retry_time{60000};
  HttpOptions http;
};

/// Files of HDFS by its REST API: "hdfs://host:port/name" or "webhdfs://host:port/name". A file is created under a temporary
/// name in its folder, and renamed: WriteIfAbsent without the option to overwrite, for which the name node has one winner;
/// neither form moves a file into a folder that has its name. What was written is on as many data nodes as the replication says,
/// not necessarily on their disks. HDFS allows no ':' in names. Simple authentication only, no Kerberos. Follows "WebHDFS REST
/// API" of Hadoop 3.4. Thread-safe.
class WebHdfsStorage final : public Storage {
 public:
  explicit WebHdfsStorage(WebHdfsOptions options);

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
  struct Entry {
    std::string name;
    bool is_folder = false;
    int64_t size_bytes = 0;
    int64_t modified_ms = 0;
  };
  struct Answer {
    HttpResponse response;
    bool maybe_done_before = false;  // an earlier attempt got no answer
  };

  [[nodiscard]] std::string Url(const Uri& file, const std::string& operation, Query query) const;
  /// Tries again while that can help.
  absl::StatusOr<Answer> Send(const HttpRequest& request);
  absl::StatusOr<std::string> Open(const std::string& path, Query query);
  absl::Status Create(const Uri& file, std::string_view content);
  /// True: done. False: there is a file of that name, which was to stay.
  absl::StatusOr<bool> Rename(const Uri& from, const Uri& to, bool overwrite);
  absl::StatusOr<bool> Exists(const Uri& file);
  absl::StatusOr<std::vector<Entry>> Entries(const Uri& folder);
  absl::Status ListBelow(const Uri& folder, const std::function<void(const FileInfo&)>& file);
  absl::Status DeleteUri(const Uri& file);

  const WebHdfsOptions options_;
  const std::string user_;
  HttpClient http_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_WEBHDFS_STORAGE_H_
