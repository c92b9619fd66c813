#include "catalog/rest_client.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/backoff.h"
#include "storage/local_storage.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

std::string WithoutSlash(std::string address) {
  while (address.ends_with('/')) address.pop_back();
  return address;
}

std::string Member(const json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Overrides go before what the client says, defaults behind.
std::string Setting(const json& config, const char* name) {
  for (const char* part : {"overrides", "defaults"}) {
    if (!config.contains(part)) continue;
    if (std::string value = Member(config[part], name); !value.empty()) return value;
  }
  return "";
}

}  // namespace

absl::Status RestClient::Answer::Error(const std::string& action) const {
  std::string what = absl::StrCat("cannot ", action, ": HTTP ", code);
  const json answer = json::parse(body, nullptr, false);
  if (answer.is_object() && answer.contains("error")) {
    const std::string message = Member(answer["error"], "message");
    absl::StrAppend(&what, " ", Member(answer["error"], "type"), ": ", message.substr(0, message.find('\n')));
  }
  if (code >= 500) return absl::UnavailableError(what);
  switch (code) {
    case 401:
    case 419:
      return absl::UnauthenticatedError(absl::StrCat(what, "; renew the token or the keys"));
    case 403:
      return absl::PermissionDeniedError(absl::StrCat(what, "; look at the credentials and what they allow"));
    case 404:
      return absl::NotFoundError(what);
    case 409:
      return absl::AlreadyExistsError(what);
    case 429:
      return absl::ResourceExhaustedError(what);
    default:
      return absl::FailedPreconditionError(what);
  }
}

RestClient::RestClient(RestOptions options) : options_(std::move(options)), http_(options_.http) {}

absl::Status RestClient::Authenticate(HttpRequest* request) const {
  if (options_.sigv4) {
    absl::StatusOr<AwsCredentials> credentials = FindAwsCredentials(options_.credentials);
    if (!credentials.ok()) return credentials.status();
    request->signing = AwsSigning{*std::move(credentials), FindAwsRegion(options_.signing_region), options_.signing_name};
    return absl::OkStatus();
  }
  const char* const variable = std::getenv("MILLRACE_REST_TOKEN");
  std::string token = variable == nullptr ? "" : variable;
  if (!options_.token_file.empty()) {
    absl::StatusOr<std::string> text = LocalStorage().Read(absl::StrCat("file://", options_.token_file));
    if (!text.ok()) return absl::UnauthenticatedError(absl::StrCat("the token of the REST catalog: ", text.status().message()));
    token = *std::move(text);
  }
  absl::StripAsciiWhitespace(&token);
  if (token.find_first_of("\r\n") != std::string::npos) {
    return absl::UnauthenticatedError("the token of the REST catalog has more than one line");
  }
  if (!token.empty()) request->headers["Authorization"] = absl::StrCat("Bearer ", token);
  return absl::OkStatus();
}

absl::StatusOr<RestClient::Answer> RestClient::SendTo(const std::string& method, const std::string& url,
                                                      const std::string& body) {
  const bool repeatable = method == "GET";
  Backoff backoff(options_.retry_time);
  while (true) {
    HttpRequest request;
    request.method = method;
    request.url = url;
    request.headers["Accept"] = "application/json";
    if (method == "POST") request.headers["Content-Type"] = "application/json";
    request.body = body;
    request.at_most_once = !repeatable;
    if (absl::Status status = Authenticate(&request); !status.ok()) return status;
    absl::StatusOr<HttpResponse> response = http_.Send(request);
    const bool may_help = response.ok() ? IsTransient(response->code) : IsTransient(response.status());
    // Without a connection nothing can have happened, nor with 429.
    const bool unharmed = repeatable || absl::IsAborted(response.status()) || (response.ok() && response->code == 429);
    if (may_help && unharmed && backoff.Wait()) continue;
    if (response.ok()) return Answer{response->code, std::move(response->body)};
    if (!may_help) return response.status();
    return absl::UnavailableError(absl::StrCat("the REST catalog: ", response.status().message()));
  }
}

absl::Status RestClient::Configure() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (configured_) return absl::OkStatus();
  const std::string address = WithoutSlash(options_.address);
  const Query query = options_.warehouse.empty() ? Query{} : Query{{"warehouse", options_.warehouse}};
  absl::StatusOr<Answer> answer =
      SendTo("GET", absl::StrCat(address, "/v1/config", query.empty() ? "" : "?", EncodeQuery(query)), "");
  if (!answer.ok()) return answer.status();
  const std::string action = absl::StrCat("read the configuration of the REST catalog at ", address);
  if (answer->code != 200) return answer->Error(action);
  const json config = json::parse(answer->body, nullptr, false);
  if (!config.is_object()) return absl::FailedPreconditionError(absl::StrCat("cannot ", action, ": the answer is no JSON"));
  const std::string moved = Setting(config, "uri");
  const std::string prefix = Setting(config, "prefix");
  base_ = absl::StrCat(moved.empty() ? address : WithoutSlash(moved), "/v1/", prefix, prefix.empty() ? "" : "/");
  configured_ = true;
  return absl::OkStatus();
}

absl::StatusOr<RestClient::Answer> RestClient::Send(const std::string& method, const std::string& path, const Query& query,
                                                    const std::string& body) {
  if (absl::Status status = Configure(); !status.ok()) return status;
  return SendTo(method, absl::StrCat(base_, path, query.empty() ? "" : "?", EncodeQuery(query)), body);
}

}  // namespace millrace::warehouse
