#include "storage/uri.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::warehouse {

std::string Uri::ToString() const { return absl::StrCat(scheme, "://", authority, path); }

absl::StatusOr<Uri> ParseUri(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || text.substr(colon + 1, 1) != "/") {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", std::string(text), "' has no scheme: write file:///folder, s3://bucket/folder or hdfs://host:port/folder"));
  }
  Uri uri;
  uri.scheme = absl::AsciiStrToLower(std::string(text.substr(0, colon)));
  std::string_view rest = text.substr(colon + 1);
  if (rest.substr(0, 2) == "//") {
    rest.remove_prefix(2);
    const size_t slash = std::min(rest.find('/'), rest.size());
    uri.authority = std::string(rest.substr(0, slash));
    rest.remove_prefix(slash);
  }
  if (uri.authority.find('@') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a path of scheme ", uri.scheme, " has a user in its authority; credentials come from the environment or files"));
  }
  while (rest.size() > 1 && rest.back() == '/') rest.remove_suffix(1);
  uri.path = std::string(rest);
  if (uri.path.size() > 1) {
    const std::vector<std::string> parts = absl::StrSplit(uri.path.substr(1), '/');
    for (const std::string& part : parts) {
      if (part.empty() || part == "." || part == "..") {
        return absl::InvalidArgumentError(
            absl::StrCat("'", std::string(text), "' has an empty part, '.' or '..' in its path; name it without"));
      }
    }
  }
  return uri;
}

std::string JoinPath(std::string_view folder, std::string_view name) {
  while (!folder.empty() && folder.back() == '/') folder.remove_suffix(1);
  return absl::StrCat(std::string(folder), "/", std::string(name));
}

std::string_view FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view NameOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string PercentEncode(std::string_view text, bool keep_slashes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slashes)) {
      encoded.push_back(c);
    } else {
      encoded.push_back('%');
      encoded.push_back(kDigits[byte >> 4]);
      encoded.push_back(kDigits[byte & 15]);
    }
  }
  return encoded;
}

std::string PercentDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      decoded.append(absl::HexStringToBytes(std::string(text.substr(i + 1, 2))));
      i += 2;
    } else {
      decoded.push_back(text[i]);
    }
  }
  return decoded;
}

std::string EncodeQuery(std::vector<std::pair<std::string, std::string>> parameters) {
  for (auto& [name, value] : parameters) {
    name = PercentEncode(name, false);
    value = PercentEncode(value, false);
  }
  std::sort(parameters.begin(), parameters.end());
  std::string query;
  for (const auto& [name, value] : parameters) absl::StrAppend(&query, query.empty() ? "" : "&", name, "=", value);
  return query;
}

}  // namespace millrace::warehouse
