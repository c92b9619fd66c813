#ifndef MILLRACE_WAREHOUSE_STORAGE_STORAGE_FACTORY_H_
#define MILLRACE_WAREHOUSE_STORAGE_STORAGE_FACTORY_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/s3_storage.h"
#include "storage/storage.h"
#include "storage/webhdfs_storage.h"

namespace millrace::warehouse {

struct StorageOptions {
  S3Options s3;
  WebHdfsOptions hdfs;
};

/// Takes the keys that it knows out of `configuration`; the others stay. InvalidArgument for a value that is none.
///   s3.endpoint, s3.path-style-access, s3.region, s3.multipart.part-size-bytes
///   s3.profile, s3.credentials-file, s3.access-key-id-file, s3.secret-access-key-file, s3.session-token-file
///   hdfs.endpoint, hdfs.user
///   storage.retry-timeout-ms, storage.connect-timeout-ms, storage.stall-timeout-s, storage.ca-file
absl::StatusOr<StorageOptions> TakeStorageOptions(std::map<std::string, std::string>* configuration);

/// The storage for paths with the scheme of `uri`: file, s3 (s3a), hdfs (webhdfs, swebhdfs). Opens no connection.
absl::StatusOr<std::shared_ptr<Storage>> OpenStorage(const std::string& uri, const StorageOptions& options);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_STORAGE_FACTORY_H_
