#ifndef MILLRACE_TESTS_UNIT_WAREHOUSE_STUB_HTTP_SERVER_H_
#define MILLRACE_TESTS_UNIT_WAREHOUSE_STUB_HTTP_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace millrace::warehouse_test {

/// Answers each request by a function of the test, one connection after the other. Keeps what it was asked.
class StubHttpServer {
 public:
  struct Answer {
    int code = 200;
    std::string body;
    std::string headers;  // each with "\r\n" at its end
  };
  /// Gets the whole request; nullopt closes the connection without an answer.
  using Handler = std::function<std::optional<Answer>(const std::string& request)>;

  explicit StubHttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      throw std::runtime_error("the stub cannot listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~StubHttpServer() {
    stop_ = true;
    thread_.join();
    close(listener_);
  }
  StubHttpServer(const StubHttpServer&) = delete;
  StubHttpServer& operator=(const StubHttpServer&) = delete;

  [[nodiscard]] std::string address() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::vector<std::string> requests() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }

 private:
  void Run() {
    while (!stop_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      Serve(connection);
      close(connection);
    }
  }

  /// One request; the answer says that the connection ends.
  void Serve(int connection) {
    std::string request;
    char block[65536];
    while (!IsWhole(request)) {
      const ssize_t got = recv(connection, block, sizeof(block), 0);
      if (got <= 0) return;
      request.append(block, static_cast<size_t>(got));
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      requests_.push_back(request);
    }
    const std::optional<Answer> answer = handler_(request);
    if (!answer) return;
    const std::string text = "HTTP/1.1 " + std::to_string(answer->code) +
                             " x\r\nContent-Length: " + std::to_string(answer->body.size()) + "\r\nConnection: close\r\n" +
                             answer->headers + "\r\n" + answer->body;
    send(connection, text.data(), text.size(), MSG_NOSIGNAL);
  }

  static bool IsWhole(const std::string& request) {
    const size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::string mark = "Content-Length: ";
    const size_t length = request.find(mark);
    const size_t body = length < end ? std::stoul(request.substr(length + mark.size())) : 0;
    return request.size() >= end + 4 + body;
  }

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_UNIT_WAREHOUSE_STUB_HTTP_SERVER_H_
