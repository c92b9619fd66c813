#include "storage/aws_credentials.h"

#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/local_file.h"

namespace millrace::warehouse {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  absl::StatusOr<LocalFile> file = LocalFile::OpenToRead(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<int64_t> size = file->Size();
  if (!size.ok()) return size.status();
  return file->ReadAt(0, *size);
}

absl::StatusOr<std::string> ReadSecret(const std::string& path) {
  absl::StatusOr<std::string> text = ReadWhole(path);
  if (!text.ok()) return absl::UnauthenticatedError(absl::StrCat("credentials: ", text.status().message()));
  std::string secret(absl::StripAsciiWhitespace(*text));
  if (secret.empty()) return absl::UnauthenticatedError(absl::StrCat("credentials: ", path, " is empty"));
  return secret;
}

absl::StatusOr<AwsCredentials> FromNamedFiles(const AwsCredentialsSource& source) {
  if (source.access_key_id_file.empty() || source.secret_access_key_file.empty()) {
    return absl::UnauthenticatedError(
        "credentials: a file for the access key id and one for the secret access key are needed together");
  }
  AwsCredentials credentials;
  const std::vector<std::pair<const std::string*, std::string*>> parts = {
      {&source.access_key_id_file, &credentials.access_key_id},
      {&source.secret_access_key_file, &credentials.secret_access_key},
      {&source.session_token_file, &credentials.session_token}};
  for (const auto& [file, value] : parts) {
    if (file->empty()) continue;
    absl::StatusOr<std::string> secret = ReadSecret(*file);
    if (!secret.ok()) return secret.status();
    *value = *std::move(secret);
  }
  return credentials;
}

/// The settings below "[profile]"; nothing if there is no such head.
std::map<std::string, std::string> ReadProfile(const std::string& text, const std::string& profile) {
  std::map<std::string, std::string> settings;
  bool inside = false;
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (const std::string& raw : lines) {
    const std::string line(absl::StripAsciiWhitespace(raw));
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      const std::string head(absl::StripAsciiWhitespace(line.substr(1, line.find(']') - 1)));
      inside = head == profile || head == absl::StrCat("profile ", profile);
    } else if (const size_t equals = line.find('='); inside && equals != std::string::npos) {
      settings[absl::AsciiStrToLower(absl::StripAsciiWhitespace(line.substr(0, equals)))] =
          std::string(absl::StripAsciiWhitespace(line.substr(equals + 1)));
    }
  }
  return settings;
}

absl::StatusOr<AwsCredentials> FromSharedFile(const AwsCredentialsSource& source) {
  std::string profile = source.profile.empty() ? Environment("AWS_PROFILE") : source.profile;
  if (profile.empty()) profile = "default";
  std::string file = source.credentials_file.empty() ? Environment("AWS_SHARED_CREDENTIALS_FILE") : source.credentials_file;
  if (file.empty()) file = absl::StrCat(Environment("HOME"), "/.aws/credentials");
  absl::StatusOr<std::string> text = ReadWhole(file);
  if (!text.ok()) {
    return absl::UnauthenticatedError(
        absl::StrCat("no AWS credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the ",
                     "environment nor a credentials file: ", text.status().message()));
  }
  std::map<std::string, std::string> settings = ReadProfile(*text, profile);
  AwsCredentials credentials{settings["aws_access_key_id"], settings["aws_secret_access_key"], settings["aws_session_token"]};
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return absl::UnauthenticatedError(absl::StrCat(
        "no AWS credentials: ", file, " has no aws_access_key_id and aws_secret_access_key in profile '", profile, "'"));
  }
  return credentials;
}

}  // namespace

absl::StatusOr<AwsCredentials> FindAwsCredentials(const AwsCredentialsSource& source) {
  if (!source.access_key_id_file.empty() || !source.secret_access_key_file.empty() || !source.session_token_file.empty()) {
    return FromNamedFiles(source);
  }
  if (source.profile.empty() && source.credentials_file.empty()) {
    AwsCredentials credentials{Environment("AWS_ACCESS_KEY_ID"), Environment("AWS_SECRET_ACCESS_KEY"),
                               Environment("AWS_SESSION_TOKEN")};
    if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) return credentials;
  }
  return FromSharedFile(source);
}

std::string FindAwsRegion(const std::string& region) {
  for (const std::string& candidate : {region, Environment("AWS_REGION"), Environment("AWS_DEFAULT_REGION")}) {
    if (!candidate.empty()) return candidate;
  }
  return "us-east-1";
}

}  // namespace millrace::warehouse
