#ifndef MILLRACE_WAREHOUSE_STORAGE_AWS_CREDENTIALS_H_
#define MILLRACE_WAREHOUSE_STORAGE_AWS_CREDENTIALS_H_

#include <string>

#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// Never printed.
struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty if they are not temporary
};

/// Where to look for credentials, in the order of the AWS command line: what is named here; the environment
/// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN); the shared credentials file (AWS_SHARED_CREDENTIALS_FILE or
/// ~/.aws/credentials), of which AWS_PROFILE or "default" is read.
struct AwsCredentialsSource {
  std::string profile;           // of the shared file
  std::string credentials_file;  // in the form of the shared file
  /// Each holds one value and nothing else, as mounted secrets do.
  std::string access_key_id_file;
  std::string secret_access_key_file;
  std::string session_token_file;
};

/// Read anew at every call, so that keys that are changed in their files are used at once. Unauthenticated with all places that
/// were looked at. Thread-safe.
absl::StatusOr<AwsCredentials> FindAwsCredentials(const AwsCredentialsSource& source);

/// `region` if it names one, else AWS_REGION, AWS_DEFAULT_REGION, "us-east-1".
std::string FindAwsRegion(const std::string& region);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_AWS_CREDENTIALS_H_
