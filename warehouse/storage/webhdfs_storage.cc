#include "storage/webhdfs_storage.h"

#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"
#include "storage/backoff.h"
#include "storage/local_file.h"
#include "storage/random_name.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

constexpr char kBinary[] = "application/octet-stream";

absl::StatusOr<Uri> ParseHdfs(const std::string& path) {
  absl::StatusOr<Uri> uri = ParseUri(path);
  if (!uri.ok()) return uri.status();
  if ((uri->scheme != "hdfs" && uri->scheme != "webhdfs" && uri->scheme != "swebhdfs") || uri->authority.empty() ||
      uri->path.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' names no file of HDFS: write hdfs://host:port/folder/name"));
  }
  return uri;
}

Uri Temporary(const Uri& file) {
  Uri temporary = file;
  temporary.path = JoinPath(FolderOf(file.path), TemporaryName());
  return temporary;
}

/// What the name node says went wrong.
struct RemoteException {
  std::string name;
  std::string message;  // its first line
};

RemoteException ParseException(const HttpResponse& response) {
  const json body = json::parse(response.body, nullptr, false);
  if (!body.is_object() || !body.contains("RemoteException") || !body["RemoteException"].is_object()) return {};
  const json& exception = body["RemoteException"];
  const std::string message = exception.value("message", "");
  return {exception.value("exception", ""), message.substr(0, message.find('\n'))};
}

bool IsTransientException(const std::string& name) {
  return name == "StandbyException" || name == "SafeModeException" || name == "RetriableException" ||
         name == "NotReplicatedYetException" || name == "ConnectException";
}

absl::Status AnswerError(const HttpResponse& response, const std::string& action, const Uri& file) {
  const RemoteException exception = ParseException(response);
  const std::string what = absl::StrCat("cannot ", action, " ", file.ToString(), ": HTTP ", response.code, " ", exception.name,
                                        ": ", exception.message);
  if (exception.name == "FileNotFoundException" || response.code == 404) return absl::NotFoundError(what);
  if (exception.name == "FileAlreadyExistsException") return absl::AlreadyExistsError(what);
  if (exception.name == "AccessControlException" || exception.name == "SecurityException" || response.code == 401) {
    return absl::PermissionDeniedError(absl::StrCat(what, "; let the user (hdfs.user) write there"));
  }
  if (exception.name.find("Quota") != std::string::npos ||
      exception.message.find("could only be written to 0 of") != std::string::npos) {
    return absl::ResourceExhaustedError(absl::StrCat(what, "; make space or raise the quota"));
  }
  if (exception.name == "InvalidPathException" || response.code == 400) return absl::InvalidArgumentError(what);
  if (response.code >= 500 && exception.name.empty()) return absl::UnavailableError(absl::StrCat(what, "it may have been done"));
  return absl::FailedPreconditionError(what);
}

std::string User(const WebHdfsOptions& options) {
  if (!options.user.empty()) return options.user;
  for (const char* name : {"HADOOP_USER_NAME", "USER"}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  return "millrace";
}

}  // namespace

WebHdfsStorage::WebHdfsStorage(WebHdfsOptions options)
    : options_(std::move(options)), user_(User(options_)), http_(options_.http) {}

std::string WebHdfsStorage::Url(const Uri& file, const std::string& operation, Query query) const {
  std::string endpoint = options_.endpoint;
  if (endpoint.empty()) endpoint = absl::StrCat(file.scheme == "swebhdfs" ? "https://" : "http://", file.authority);
  while (endpoint.ends_with('/')) endpoint.pop_back();
  query.emplace_back("op", operation);
  query.emplace_back("user.name", user_);
  return absl::StrCat(endpoint, "/webhdfs/v1", PercentEncode(file.path, true), "?", EncodeQuery(std::move(query)));
}

absl::StatusOr<WebHdfsStorage::Answer> WebHdfsStorage::Send(const HttpRequest& request) {
  Backoff backoff(options_.retry_time);
  Answer answer;
  while (true) {
    absl::StatusOr<HttpResponse> response = http_.Send(request);
    if (!response.ok() && !IsTransient(response.status())) return response.status();
    bool again = !response.ok();
    if (response.ok()) {
      const RemoteException exception = ParseException(*response);
      again = IsTransientException(exception.name) || (IsTransient(response->code) && exception.name.empty());
      // What the name node names has not been done.
      if (again && exception.name.empty()) answer.maybe_done_before = true;
    } else if (!absl::IsAborted(response.status())) {
      answer.maybe_done_before = true;
    }
    if (!again) {
      answer.response = *std::move(response);
      return answer;
    }
    if (backoff.Wait()) continue;
    const std::string last = response.ok() ? absl::StrCat("HTTP ", response->code, " ", ParseException(*response).name)
                                           : std::string(response.status().message());
    return absl::UnavailableError(absl::StrCat("gave up after ", options_.retry_time.count(), " ms: ", last));
  }
}

absl::StatusOr<std::string> WebHdfsStorage::Read(const std::string& path) { return Open(path, {}); }

absl::StatusOr<std::string> WebHdfsStorage::ReadRange(const std::string& path, int64_t offset, int64_t size) {
  if (size <= 0) return "";
  return Open(path, {{"offset", absl::StrCat(offset)}, {"length", absl::StrCat(size)}});
}

absl::StatusOr<std::string> WebHdfsStorage::Open(const std::string& path, Query query) {
  const bool is_part = !query.empty();
  absl::StatusOr<Uri> file = ParseHdfs(path);
  if (!file.ok()) return file.status();
  HttpRequest request;
  request.url = Url(*file, "OPEN", std::move(query));
  request.follow_redirects = true;
  absl::StatusOr<Answer> answer = Send(request);
  if (!answer.ok()) return answer.status();
  if (answer->response.code == 200) return std::move(answer->response.body);
  // How the name node says that the file ends before.
  if (is_part && absl::StrContains(ParseException(answer->response).message, "out of the range")) return "";
  return AnswerError(answer->response, "read", *file);
}

absl::Status WebHdfsStorage::Create(const Uri& file, std::string_view content) {
  HttpRequest ask;
  ask.method = "PUT";
  ask.url = Url(file, "CREATE", {{"overwrite", "true"}, {"noredirect", "true"}});
  ask.headers["Content-Type"] = kBinary;
  absl::StatusOr<Answer> where = Send(ask);
  if (!where.ok()) return where.status();
  std::string location;
  if (where->response.code == 307) {
    location = where->response.Header("location");
  } else if (const json body = json::parse(where->response.body, nullptr, false);
             where->response.code == 200 && body.is_object()) {
    location = body.value("Location", "");
  }
  if (location.empty()) return AnswerError(where->response, "create", file);
  HttpRequest put;
  put.method = "PUT";
  put.url = location;
  put.headers["Content-Type"] = kBinary;
  put.body = content;
  absl::StatusOr<Answer> answer = Send(put);
  if (!answer.ok()) return answer.status();
  return answer->response.code == 201 ? absl::OkStatus() : AnswerError(answer->response, "write", file);
}

absl::StatusOr<bool> WebHdfsStorage::Exists(const Uri& file) {
  HttpRequest request;
  request.url = Url(file, "GETFILESTATUS", {});
  absl::StatusOr<Answer> answer = Send(request);
  if (!answer.ok()) return answer.status();
  if (answer->response.code == 200) return true;
  absl::Status error = AnswerError(answer->response, "look at", file);
  if (absl::IsNotFound(error)) return false;
  return error;
}

absl::StatusOr<bool> WebHdfsStorage::Rename(const Uri& from, const Uri& to, bool overwrite) {
  HttpRequest request;
  request.method = "PUT";
  // Only with an option is it the rename that says why it fails, and that does not move into folders.
  request.url = Url(from, "RENAME", {{"destination", to.path}, {"renameoptions", overwrite ? "OVERWRITE" : "NONE"}});
  request.headers["Content-Type"] = kBinary;
  request.at_most_once = true;
  absl::StatusOr<Answer> answer = Send(request);
  if (!answer.ok()) return answer.status();
  if (answer->response.code == 200) return true;
  const absl::Status error = AnswerError(answer->response, "rename a temporary file to", to);
  // Nobody else knows the temporary name: if it is gone, it was an earlier attempt of this that took it.
  if (answer->maybe_done_before) {
    absl::StatusOr<bool> waits = Exists(from);
    if (!waits.ok())
      return absl::UnavailableError(
          absl::StrCat("it is not known whether ", to.ToString(), " was written: ", waits.status().message()));
    if (!*waits) return true;
  }
  if (absl::IsAlreadyExists(error) && !overwrite) return false;
  return error;
}

absl::Status WebHdfsStorage::Write(const std::string& path, std::string_view content) {
  absl::StatusOr<Uri> file = ParseHdfs(path);
  if (!file.ok()) return file.status();
  const Uri temporary = Temporary(*file);
  if (absl::Status status = Create(temporary, content); !status.ok()) return status;
  absl::StatusOr<bool> renamed = Rename(temporary, *file, /*overwrite=*/true);
  if (renamed.ok()) return absl::OkStatus();
  if (!absl::IsUnavailable(renamed.status())) (void)DeleteUri(temporary);  // what is left of it the sweep of orphans finds
  return renamed.status();
}

absl::StatusOr<bool> WebHdfsStorage::WriteIfAbsent(const std::string& path, std::string_view content) {
  absl::StatusOr<Uri> file = ParseHdfs(path);
  if (!file.ok()) return file.status();
  const Uri temporary = Temporary(*file);
  if (absl::Status status = Create(temporary, content); !status.ok()) return status;
  absl::StatusOr<bool> renamed = Rename(temporary, *file, /*overwrite=*/false);
  // Never while it is open whether the rename will happen: it would lose what it is to bring.
  if (renamed.ok() ? !*renamed : !absl::IsUnavailable(renamed.status())) (void)DeleteUri(temporary);
  return renamed;
}

absl::Status WebHdfsStorage::Upload(const std::string& local_file, const std::string& path) {
  absl::StatusOr<Uri> file = ParseHdfs(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<MappedFile> local = MappedFile::Open(local_file);
  if (!local.ok()) return local.status();
  return Create(*file, local->content());
}

absl::StatusOr<std::vector<WebHdfsStorage::Entry>> WebHdfsStorage::Entries(const Uri& folder) {
  HttpRequest request;
  request.url = Url(folder, "LISTSTATUS", {});
  absl::StatusOr<Answer> answer = Send(request);
  if (!answer.ok()) return answer.status();
  std::vector<Entry> entries;
  if (answer->response.code != 200) {
    absl::Status error = AnswerError(answer->response, "list", folder);
    if (absl::IsNotFound(error)) return entries;
    return error;
  }
  const json body = json::parse(answer->response.body, nullptr, false);
  const json::json_pointer list("/FileStatuses/FileStatus");
  if (!body.is_object() || !body.contains(list) || !body[list].is_array()) {
    return absl::InternalError(absl::StrCat("cannot list ", folder.ToString(), ": the answer is no list of files"));
  }
  for (const json& status : body[list]) {
    Entry entry{status.value("pathSuffix", ""), status.value("type", "") == "DIRECTORY", status.value("length", int64_t{0}),
                status.value("modificationTime", int64_t{0})};
    if (!entry.name.empty()) entries.push_back(std::move(entry));  // without a name it is the file itself that was asked for
  }
  return entries;
}

absl::Status WebHdfsStorage::ListBelow(const Uri& folder, const std::function<void(const FileInfo&)>& file) {
  absl::StatusOr<std::vector<Entry>> entries = Entries(folder);
  if (!entries.ok()) return entries.status();
  for (const Entry& entry : *entries) {
    Uri below = folder;
    below.path = JoinPath(folder.path, entry.name);
    if (!entry.is_folder) {
      file({below.ToString(), entry.size_bytes, entry.modified_ms});
    } else if (absl::Status status = ListBelow(below, file); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status WebHdfsStorage::List(const std::string& folder, const std::function<void(const FileInfo&)>& file) {
  absl::StatusOr<Uri> uri = ParseHdfs(folder);
  if (!uri.ok()) return uri.status();
  return ListBelow(*uri, file);
}

absl::Status WebHdfsStorage::ListFolders(const std::string& folder, const std::function<void(const std::string&)>& name) {
  absl::StatusOr<Uri> uri = ParseHdfs(folder);
  if (!uri.ok()) return uri.status();
  absl::StatusOr<std::vector<Entry>> entries = Entries(*uri);
  if (!entries.ok()) return entries.status();
  for (const Entry& entry : *entries) {
    if (entry.is_folder) name(entry.name);
  }
  return absl::OkStatus();
}

absl::Status WebHdfsStorage::DeleteUri(const Uri& file) {
  HttpRequest request;
  request.method = "DELETE";
  request.url = Url(file, "DELETE", {{"recursive", "false"}});
  absl::StatusOr<Answer> answer = Send(request);
  if (!answer.ok()) return answer.status();
  if (answer->response.code == 200) return absl::OkStatus();  // also if there was none
  absl::Status error = AnswerError(answer->response, "delete", file);
  return absl::IsNotFound(error) ? absl::OkStatus() : error;
}

absl::Status WebHdfsStorage::Delete(const std::string& path) {
  absl::StatusOr<Uri> file = ParseHdfs(path);
  if (!file.ok()) return file.status();
  return DeleteUri(*file);
}

}  // namespace millrace::warehouse
