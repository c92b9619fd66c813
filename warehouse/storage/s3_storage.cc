#include "storage/s3_storage.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/backoff.h"
#include "storage/local_file.h"
#include "storage/random_name.h"

namespace millrace::warehouse {
namespace {

constexpr char kWriterHeader[] = "x-amz-meta-millrace-writer";
constexpr char kBinary[] = "application/octet-stream";

absl::StatusOr<Uri> ParseS3(const std::string& path, bool whole_bucket_allowed) {
  absl::StatusOr<Uri> uri = ParseUri(path);
  if (!uri.ok()) return uri.status();
  if ((uri->scheme != "s3" && uri->scheme != "s3a") || uri->authority.empty() ||
      (!whole_bucket_allowed && uri->path.size() < 2)) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' names no object: write s3://bucket/key"));
  }
  return uri;
}

/// An answer that is none of those that the caller expects, with what the store says about it.
absl::Status AnswerError(const HttpResponse& response, const std::string& action, const Uri& object) {
  const std::string code = XmlText(response.body, "Code");
  std::string what = absl::StrCat("cannot ", action, " ", object.ToString(), ": HTTP ", response.code);
  if (!code.empty()) absl::StrAppend(&what, " ", code, ": ", XmlText(response.body, "Message"));
  switch (response.code) {
    case 404:
      if (code == "NoSuchBucket") absl::StrAppend(&what, "; create the bucket or name another");
      return absl::NotFoundError(what);
    case 403:
      return absl::PermissionDeniedError(absl::StrCat(what, "; look at the credentials, the policy of the bucket and the clock"));
    case 401:
      return absl::UnauthenticatedError(what);
    case 301:
    case 307: {
      const std::string region = response.Header("x-amz-bucket-region");
      return absl::InvalidArgumentError(absl::StrCat(what, "; the bucket is in region ", region.empty() ? "unknown" : region));
    }
    case 501:
      return absl::UnimplementedError(absl::StrCat(what, "; this store cannot be written to by several writers"));
    case 507:
      return absl::ResourceExhaustedError(absl::StrCat(what, "; make space"));
    default:
      if (code == "ExpiredToken" || code == "TokenRefreshRequired")
        return absl::UnauthenticatedError(absl::StrCat(what, "; renew it"));
      if (code == "QuotaExceeded" || code == "XMinioStorageFull")
        return absl::ResourceExhaustedError(absl::StrCat(what, "; make space"));
      if (IsTransient(response.code)) return absl::UnavailableError(absl::StrCat(what, "; it may have been done"));
      return absl::InternalError(what);
  }
}

/// No name that a bucket's could be put in front of.
bool IsAddress(const std::string& endpoint) {
  const size_t slashes = endpoint.find("//");
  const std::string host = slashes == std::string::npos ? endpoint : endpoint.substr(slashes + 2);
  const std::string name = host.substr(0, host.find_first_of(":/"));
  return host.starts_with('[') || name == "localhost" || name.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

S3Storage::S3Storage(S3Options options)
    : options_(std::move(options)), region_(FindAwsRegion(options_.region)), http_(options_.http) {}

std::string S3Storage::Url(const Uri& object, const Query& query) const {
  std::string endpoint = options_.endpoint.empty() ? absl::StrCat("https://s3.", region_, ".amazonaws.com") : options_.endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  // A dot in the bucket's name would not match the certificate of the host.
  const bool in_path = options_.path_style || IsAddress(endpoint) || object.authority.find('.') != std::string::npos;
  if (in_path) {
    absl::StrAppend(&endpoint, "/", object.authority);
  } else {
    endpoint.insert(endpoint.find("//") + 2, absl::StrCat(object.authority, "."));
  }
  const std::string path = object.path.empty() ? "/" : PercentEncode(object.path, true);
  return absl::StrCat(endpoint, path, query.empty() ? "" : "?", EncodeQuery(query));
}

absl::StatusOr<S3Storage::Answer> S3Storage::Send(HttpRequest request) {
  Backoff backoff(options_.retry_time);
  Answer answer;
  while (true) {
    absl::StatusOr<AwsCredentials> credentials = FindAwsCredentials(options_.credentials);
    if (!credentials.ok()) return credentials.status();
    request.signing = AwsSigning{*std::move(credentials), region_, "s3"};
    absl::StatusOr<HttpResponse> response = http_.Send(request);
    if (!response.ok() && !IsTransient(response.status())) return response.status();
    // 409: another conditional request for the same key is under way.
    if (response.ok() && !IsTransient(response->code) && response->code != 409) {
      answer.response = *std::move(response);
      return answer;
    }
    if (!absl::IsAborted(response.status()) && !(response.ok() && (response->code == 409 || response->code == 429))) {
      answer.maybe_done_before = true;
    }
    if (backoff.Wait()) continue;
    const std::string last = response.ok() ? absl::StrCat("HTTP ", response->code, " ", XmlText(response->body, "Code"))
                                           : std::string(response.status().message());
    return absl::UnavailableError(absl::StrCat("gave up after ", options_.retry_time.count(), " ms: ", request.method, " ",
                                               request.url.substr(0, request.url.find('?')), ": ", last));
  }
}

absl::StatusOr<std::string> S3Storage::Read(const std::string& path) {
  absl::StatusOr<Uri> object = ParseS3(path, false);
  if (!object.ok()) return object.status();
  HttpRequest request;
  request.url = Url(*object, {});
  absl::StatusOr<Answer> answer = Send(std::move(request));
  if (!answer.ok()) return answer.status();
  if (answer->response.code != 200) return AnswerError(answer->response, "read", *object);
  return std::move(answer->response.body);
}

absl::StatusOr<std::string> S3Storage::ReadRange(const std::string& path, int64_t offset, int64_t size) {
  absl::StatusOr<Uri> object = ParseS3(path, false);
  if (!object.ok() || size <= 0) return object.ok() ? absl::StatusOr<std::string>("") : object.status();
  HttpRequest request;
  request.url = Url(*object, {});
  request.headers["Range"] = absl::StrCat("bytes=", offset, "-", offset + size - 1);
  absl::StatusOr<Answer> answer = Send(std::move(request));
  if (!answer.ok()) return answer.status();
  if (answer->response.code == 416) return "";  // it ends before
  if (answer->response.code == 206) return std::move(answer->response.body);
  if (answer->response.code != 200) return AnswerError(answer->response, "read", *object);
  // A store may answer with the whole object.
  const std::string& whole = answer->response.body;
  if (offset >= static_cast<int64_t>(whole.size())) return "";
  return whole.substr(static_cast<size_t>(offset), static_cast<size_t>(size));
}

absl::Status S3Storage::Write(const std::string& path, std::string_view content) {
  absl::StatusOr<Uri> object = ParseS3(path, false);
  if (!object.ok()) return object.status();
  HttpRequest request;
  request.method = "PUT";
  request.url = Url(*object, {});
  request.headers["Content-Type"] = kBinary;
  request.body = content;
  absl::StatusOr<Answer> answer = Send(std::move(request));
  if (!answer.ok()) return answer.status();
  if (answer->response.code != 200) return AnswerError(answer->response, "write", *object);
  return absl::OkStatus();
}

absl::StatusOr<bool> S3Storage::WriteIfAbsent(const std::string& path, std::string_view content) {
  absl::StatusOr<Uri> object = ParseS3(path, false);
  if (!object.ok()) return object.status();
  const std::string writer = RandomName();
  HttpRequest request;
  request.method = "PUT";
  request.url = Url(*object, {});
  request.headers = {{"Content-Type", kBinary}, {"If-None-Match", "*"}, {kWriterHeader, writer}};
  request.body = content;
  request.at_most_once = true;
  absl::StatusOr<Answer> answer = Send(std::move(request));
  if (!answer.ok()) return answer.status();
  if (answer->response.code == 200) return true;
  if (answer->response.code != 412) return AnswerError(answer->response, "write", *object);
  if (!answer->maybe_done_before) return false;
  return IsOurs(*object, writer, content);
}

absl::StatusOr<bool> S3Storage::IsOurs(const Uri& object, const std::string& writer, std::string_view content) {
  HttpRequest request;
  request.url = Url(object, {});
  absl::StatusOr<Answer> found = Send(std::move(request));
  if (!found.ok() || found->response.code != 200) {
    return absl::UnavailableError(
        absl::StrCat("it is not known who has written ", object.ToString(), ": ",
                     found.ok() ? absl::StrCat("HTTP ", found->response.code) : std::string(found.status().message())));
  }
  const std::string name = found->response.Header(kWriterHeader);
  // A store that drops the header leaves the content to compare.
  return name.empty() ? found->response.body == content : name == writer;
}

absl::Status S3Storage::Upload(const std::string& local_file, const std::string& path) {
  absl::StatusOr<Uri> object = ParseS3(path, false);
  if (!object.ok()) return object.status();
  absl::StatusOr<LocalFile> file = LocalFile::OpenToRead(local_file);
  if (!file.ok()) return file.status();
  absl::StatusOr<int64_t> size = file->Size();
  if (!size.ok()) return size.status();
  if (*size > options_.part_bytes) {
    return PutMultipart(*object, *size, [&file](int64_t offset, int64_t bytes) { return file->ReadAt(offset, bytes); });
  }
  absl::StatusOr<std::string> content = file->ReadAt(0, *size);
  if (!content.ok()) return content.status();
  return Write(path, *content);
}

absl::Status S3Storage::PutMultipart(const Uri& object, int64_t size, const Part& part) {
  HttpRequest begin;
  begin.method = "POST";
  begin.url = Url(object, {{"uploads", ""}});
  begin.headers["Content-Type"] = kBinary;
  absl::StatusOr<Answer> begun = Send(std::move(begin));
  if (!begun.ok()) return begun.status();
  const std::string upload = XmlText(begun->response.body, "UploadId");
  if (begun->response.code != 200 || upload.empty()) return AnswerError(begun->response, "begin the upload of", object);

  absl::Status status;
  std::vector<std::string> tags;
  // The API allows 10,000 parts.
  const int64_t part_bytes = std::max(options_.part_bytes, size / 10000 + 1);
  for (int64_t offset = 0; offset < size && status.ok(); offset += part_bytes) {
    absl::StatusOr<std::string> content = part(offset, std::min(part_bytes, size - offset));
    absl::StatusOr<std::string> tag =
        content.ok() ? PutPart(object, upload, static_cast<int64_t>(tags.size()) + 1, *content) : content.status();
    if (tag.ok()) {
      tags.push_back(*std::move(tag));
    } else {
      status = tag.status();
    }
  }
  if (status.ok()) status = CompleteMultipart(object, upload, tags, size);
  if (status.ok()) return status;
  // Its parts would be paid for. If this fails, too, the rule of the bucket has to remove them.
  HttpRequest abort;
  abort.method = "DELETE";
  abort.url = Url(object, {{"uploadId", upload}});
  if (absl::StatusOr<AwsCredentials> credentials = FindAwsCredentials(options_.credentials); credentials.ok()) {
    abort.signing = AwsSigning{*std::move(credentials), region_, "s3"};
    (void)http_.Send(abort);
  }
  return status;
}

absl::StatusOr<std::string> S3Storage::PutPart(const Uri& object, const std::string& upload, int64_t number,
                                               std::string_view content) {
  HttpRequest request;
  request.method = "PUT";
  request.url = Url(object, {{"partNumber", absl::StrCat(number)}, {"uploadId", upload}});
  request.headers["Content-Type"] = kBinary;
  request.body = content;
  absl::StatusOr<Answer> answer = Send(std::move(request));
  if (!answer.ok()) return answer.status();
  const std::string tag = answer->response.Header("etag");
  if (answer->response.code != 200 || tag.empty()) return AnswerError(answer->response, "upload a part of", object);
  return tag;
}

absl::Status S3Storage::CompleteMultipart(const Uri& object, const std::string& upload, const std::vector<std::string>& tags,
                                          int64_t size) {
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (size_t i = 0; i < tags.size(); ++i) {
    absl::StrAppend(&body, "<Part><PartNumber>", i + 1, "</PartNumber><ETag>", XmlEscape(tags[i]), "</ETag></Part>");
  }
  body += "</CompleteMultipartUpload>";
  HttpRequest request;
  request.method = "POST";
  request.url = Url(object, {{"uploadId", upload}});
  request.headers["Content-Type"] = "application/xml";
  request.body = body;
  absl::StatusOr<Answer> answer = Send(std::move(request));
  if (!answer.ok()) return answer.status();
  // An error can also come after the head of the answer was sent, as a body.
  if (answer->response.code == 200 && answer->response.body.find("<Error>") == std::string::npos) return absl::OkStatus();
  if (answer->response.code == 404 && answer->maybe_done_before) {
    HttpRequest look;
    look.method = "HEAD";
    look.url = Url(object, {});
    absl::StatusOr<Answer> found = Send(std::move(look));
    if (found.ok() && found->response.code == 200 && found->response.Header("content-length") == absl::StrCat(size))
      return absl::OkStatus();
  }
  return AnswerError(answer->response, "complete the upload of", object);
}

absl::Status S3Storage::ListPages(const Uri& folder, const std::string& delimiter,
                                  const std::function<void(const S3Page&)>& page) {
  const Uri bucket{folder.scheme, folder.authority, ""};
  Query query = {{"encoding-type", "url"}, {"list-type", "2"}};
  if (folder.path.size() > 1) query.emplace_back("prefix", absl::StrCat(folder.path.substr(1), "/"));
  if (!delimiter.empty()) query.emplace_back("delimiter", delimiter);
  for (std::string next;;) {
    Query page_query = query;
    if (!next.empty()) page_query.emplace_back("continuation-token", next);
    HttpRequest request;
    request.url = Url(bucket, page_query);
    absl::StatusOr<Answer> answer = Send(std::move(request));
    if (!answer.ok()) return answer.status();
    if (answer->response.code != 200) return AnswerError(answer->response, "list", folder);
    absl::StatusOr<S3Page> parsed = ParseS3Page(answer->response.body);
    if (!parsed.ok())
      return absl::Status(parsed.status().code(),
                          absl::StrCat("cannot list ", folder.ToString(), ": ", parsed.status().message()));
    page(*parsed);
    if (parsed->next.empty()) return absl::OkStatus();
    next = parsed->next;
  }
}

absl::Status S3Storage::List(const std::string& folder, const std::function<void(const FileInfo&)>& file) {
  absl::StatusOr<Uri> uri = ParseS3(folder, true);
  if (!uri.ok()) return uri.status();
  return ListPages(*uri, "", [&](const S3Page& page) {
    for (const S3Page::Object& object : page.objects) {
      if (object.key.ends_with('/')) continue;  // some tools make empty objects for folders
      file({absl::StrCat(uri->scheme, "://", uri->authority, "/", object.key), object.size_bytes, object.modified_ms});
    }
  });
}

absl::Status S3Storage::ListFolders(const std::string& folder, const std::function<void(const std::string&)>& name) {
  absl::StatusOr<Uri> uri = ParseS3(folder, true);
  if (!uri.ok()) return uri.status();
  return ListPages(*uri, "/", [&](const S3Page& page) {
    for (std::string prefix : page.prefixes) {
      while (prefix.ends_with('/')) prefix.pop_back();
      name(std::string(NameOf(prefix)));
    }
  });
}

absl::Status S3Storage::Delete(const std::string& path) {
  absl::StatusOr<Uri> object = ParseS3(path, false);
  if (!object.ok()) return object.status();
  HttpRequest request;
  request.method = "DELETE";
  request.url = Url(*object, {});
  absl::StatusOr<Answer> answer = Send(std::move(request));
  if (!answer.ok()) return answer.status();
  const int code = answer->response.code;
  if (code == 200 || code == 204 || (code == 404 && XmlText(answer->response.body, "Code") != "NoSuchBucket"))
    return absl::OkStatus();
  return AnswerError(answer->response, "delete", *object);
}

}  // namespace millrace::warehouse
