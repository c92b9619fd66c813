#include "registry/registry_client.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/backoff.h"
#include "storage/local_storage.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

absl::Status ErrorOf(const HttpResponse& response, const std::string& action) {
  const json answer = json::parse(response.body, nullptr, false);
  const std::string message = answer.is_object() && answer.contains("message") && answer["message"].is_string()
                                  ? answer["message"].get<std::string>()
                                  : "";
  const std::string what = absl::StrCat("cannot ", action, ": HTTP ", response.code, message.empty() ? "" : " ", message);
  if (response.code >= 500 || response.code == 429) return absl::UnavailableError(what);
  if (response.code == 401) return absl::UnauthenticatedError(absl::StrCat(what, "; look at schema.registry.credentials-file"));
  if (response.code == 403) return absl::PermissionDeniedError(what);
  if (response.code == 404) return absl::NotFoundError(what);
  return absl::FailedPreconditionError(what);
}

std::optional<RegisteredSchema> Parse(const json& answer) {
  RegisteredSchema schema;
  if (!answer.is_object() || !answer.contains("schema") || !answer["schema"].is_string()) return std::nullopt;
  schema.text = answer["schema"].get<std::string>();
  if (answer.contains("id") && answer["id"].is_number_integer()) schema.id = answer["id"].get<int>();
  const json none = json::array();
  const json& references = answer.contains("references") ? answer["references"] : none;
  if (!references.is_array()) return std::nullopt;
  for (const json& reference : references) {
    if (!reference.is_object() || !reference.contains("name") || !reference["name"].is_string() ||
        !reference.contains("subject") || !reference["subject"].is_string() || !reference.contains("version") ||
        !reference["version"].is_number_integer()) {
      return std::nullopt;
    }
    schema.references.push_back(
        {reference["name"].get<std::string>(), reference["subject"].get<std::string>(), reference["version"].get<int>()});
  }
  return schema;
}

}  // namespace

RegistryClient::RegistryClient(RegistryOptions options) : options_(std::move(options)), http_(options_.http) {}

absl::StatusOr<RegisteredSchema> RegistryClient::Latest(const std::string& subject) {
  return Get(absl::StrCat("/subjects/", PercentEncode(subject, /*keep_slashes=*/false), "/versions/latest"),
             absl::StrCat("the latest schema of subject ", subject));
}

absl::StatusOr<RegisteredSchema> RegistryClient::Version(const std::string& subject, int version) {
  return Get(absl::StrCat("/subjects/", PercentEncode(subject, /*keep_slashes=*/false), "/versions/", version),
             absl::StrCat("version ", version, " of subject ", subject));
}

absl::StatusOr<RegisteredSchema> RegistryClient::ById(int id) {
  absl::StatusOr<RegisteredSchema> schema = Get(absl::StrCat("/schemas/ids/", id), absl::StrCat("schema ", id));
  if (schema.ok()) schema->id = id;
  return schema;
}

absl::StatusOr<RegisteredSchema> RegistryClient::Get(const std::string& path, const std::string& what) {
  std::string address = options_.address;
  while (address.ends_with('/')) address.pop_back();
  const std::string action = absl::StrCat("read ", what, " from the schema registry at ", address);
  absl::StatusOr<HttpResponse> response = Send(absl::StrCat(address, path));
  if (!response.ok()) {
    return absl::Status(response.status().code(), absl::StrCat("cannot ", action, ": ", response.status().message()));
  }
  if (response->code != 200) return ErrorOf(*response, action);
  const json answer = json::parse(response->body, nullptr, false);
  std::optional<RegisteredSchema> schema = Parse(answer);
  if (!schema) return absl::FailedPreconditionError(absl::StrCat("cannot ", action, ": the answer is no schema"));
  // Avro is what a registry means when it does not say.
  const json& type = answer.contains("schemaType") ? answer["schemaType"] : json("AVRO");
  if (type != "PROTOBUF") {
    return absl::FailedPreconditionError(
        absl::StrCat(what, " is ", type.is_string() ? type.get<std::string>() : "of an unknown type", " and not PROTOBUF"));
  }
  return *std::move(schema);
}

absl::StatusOr<HttpResponse> RegistryClient::Send(const std::string& url) {
  Backoff backoff(options_.retry_time);
  while (true) {
    HttpRequest request;
    request.url = url;
    request.headers["Accept"] = "application/vnd.schemaregistry.v1+json, application/json";
    if (!options_.credentials_file.empty()) {
      absl::StatusOr<std::string> text = LocalStorage().Read(absl::StrCat("file://", options_.credentials_file));
      if (!text.ok()) return absl::UnauthenticatedError(absl::StrCat("the credentials: ", text.status().message()));
      absl::StripAsciiWhitespace(&*text);
      request.headers["Authorization"] = absl::StrCat("Basic ", absl::Base64Escape(*text));
    }
    absl::StatusOr<HttpResponse> response = http_.Send(request);
    const bool may_help = response.ok() ? IsTransient(response->code) : IsTransient(response.status());
    if (may_help && backoff.Wait()) continue;
    if (response.ok() || !may_help) return response;
    return absl::UnavailableError(response.status().message());
  }
}

}  // namespace millrace::warehouse
