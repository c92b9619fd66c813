#include "storage/http_client.h"

#include <curl/curl.h>
#include <pthread.h>

#include <csignal>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/sha256.h"

namespace millrace::warehouse {
namespace {

using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

void InitializeLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

/// While it lives, a peer that is gone does not end the process: over TLS the library writes in a way that raises SIGPIPE, and
/// would otherwise change what the whole process does about it.
class WithoutBrokenPipes {
 public:
  WithoutBrokenPipes() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    pending_before_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutBrokenPipes() {
    const timespec now{};
    if (!pending_before_) sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutBrokenPipes(const WithoutBrokenPipes&) = delete;
  WithoutBrokenPipes& operator=(const WithoutBrokenPipes&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool pending_before_ = false;
};

size_t OnBody(const char* data, size_t size, size_t count, void* response) {
  static_cast<HttpResponse*>(response)->body.append(data, size * count);
  return size * count;
}

size_t OnHeader(const char* data, size_t size, size_t count, void* to) {
  auto* response = static_cast<HttpResponse*>(to);
  const std::string line(data, size * count);
  if (line.starts_with("HTTP/")) response->headers.clear();  // those before were of a redirect or of "100 Continue"
  if (const size_t colon = line.find(':'); colon != std::string::npos) {
    response->headers[absl::AsciiStrToLower(line.substr(0, colon))] =
        std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return size * count;
}

/// "https://host/path" of a URL: a query may hold tokens.
std::string Shown(const HttpRequest& request) {
  return absl::StrCat(request.method, " ", request.url.substr(0, request.url.find('?')));
}

absl::Status TransportError(CURLcode code, const HttpRequest& request, const char* detail) {
  const std::string what = absl::StrCat(Shown(request), ": ", *detail != '\0' ? detail : curl_easy_strerror(code));
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return absl::AbortedError(absl::StrCat(what, "; is the server up, and the address right?"));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return absl::InvalidArgumentError(what);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
      return absl::FailedPreconditionError(absl::StrCat(what, "; name the file of trusted certificates, or mend the server's"));
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(what);
    default:
      return absl::UnavailableError(what);
  }
}

HeaderList MakeHeaders(const HttpRequest& request) {
  HeaderList list(nullptr, &curl_slist_free_all);
  const auto add = [&list](const std::string& line) { list.reset(curl_slist_append(list.release(), line.c_str())); };
  for (const auto& [name, value] : request.headers) add(absl::StrCat(name, ": ", value));
  if (request.signing) {
    add(absl::StrCat("x-amz-content-sha256: ", Sha256Hex(request.body)));
    const std::string& token = request.signing->credentials.session_token;
    if (!token.empty()) add(absl::StrCat("x-amz-security-token: ", token));
  }
  return list;
}

void SetMethod(CURL* curl, const HttpRequest& request) {
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else {
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

void SetSigning(CURL* curl, const AwsSigning& signing) {
  curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, absl::StrCat("aws:amz:", signing.region, ":", signing.service).c_str());
  curl_easy_setopt(curl, CURLOPT_USERNAME, signing.credentials.access_key_id.c_str());
  curl_easy_setopt(curl, CURLOPT_PASSWORD, signing.credentials.secret_access_key.c_str());
}

}  // namespace

struct HttpClient::Connection {
  Connection() : curl(curl_easy_init(), &curl_easy_cleanup) {}
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl;
};

std::string HttpResponse::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

HttpClient::HttpClient(HttpOptions options) : options_(std::move(options)) { InitializeLibrary(); }

HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Connection> HttpClient::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_.empty()) return std::make_unique<Connection>();
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void HttpClient::Give(std::unique_ptr<Connection> connection) {
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(connection));
}

absl::StatusOr<HttpResponse> HttpClient::Send(const HttpRequest& request) {
  std::unique_ptr<Connection> connection = Take();
  CURL* const curl = connection->curl.get();
  if (curl == nullptr) return absl::ResourceExhaustedError("no memory for a connection");
  curl_easy_reset(curl);  // the connection itself stays

  HttpResponse response;
  char detail[CURL_ERROR_SIZE] = "";
  const HeaderList headers = MakeHeaders(request);
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, request.at_most_once ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &response);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  if (!options_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_file.c_str());
  SetMethod(curl, request);
  if (request.signing) SetSigning(curl, *request.signing);

  const CURLcode code = [curl] {
    const WithoutBrokenPipes guard;
    return curl_easy_perform(curl);
  }();
  long answer = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
  curl_easy_reset(curl);  // what it pointed to dies with this call
  Give(std::move(connection));
  if (code != CURLE_OK) return TransportError(code, request, detail);
  response.code = static_cast<int>(answer);
  return response;
}

bool IsTransient(const absl::Status& status) {
  return absl::IsAborted(status) || absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

bool IsTransient(int http_code) {
  return http_code == 408 || http_code == 429 || http_code == 500 || http_code == 502 || http_code == 503 || http_code == 504;
}

}  // namespace millrace::warehouse
