#ifndef MILLRACE_TESTS_WAREHOUSE_STORAGE_CUTTING_PROXY_H_
#define MILLRACE_TESTS_WAREHOUSE_STORAGE_CUTTING_PROXY_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace millrace::warehouse_test {

/// Passes connections on to a server of this machine, and cuts some of them: either before a request arrives, or when the server
/// has begun to answer it, so that it is done and nobody hears of it.
class CuttingProxy {
 public:
  explicit CuttingProxy(int server_port) : server_port_(server_port) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Address(0);
    socklen_t length = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener_, 64) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      throw std::runtime_error("the proxy cannot listen");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~CuttingProxy() {
    stop_ = true;
    acceptor_.join();
    for (std::thread& thread : connections_) thread.join();
    close(listener_);
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int cuts() const { return cuts_; }

  /// The next `times` requests with `mark` in them get no answer.
  void CutAnswers(const std::string& mark, int times) { Arm(mark, times, true); }
  /// They do not arrive either.
  void CutRequests(const std::string& mark, int times) { Arm(mark, times, false); }

 private:
  static sockaddr_in Address(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  void Arm(const std::string& mark, int times, bool pass_request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    mark_ = mark;
    times_ = times;
    pass_request_ = pass_request;
  }

  void Accept() {
    while (!stop_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, 50) <= 0) continue;
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client >= 0) connections_.emplace_back([this, client] { Serve(client); });
    }
  }

  void Serve(int client) {
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Address(server_port_);
    if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) Pass(client, server);
    close(server);
    close(client);
  }

  /// True if this request is one to cut; `*pass_request` says how.
  bool IsToCut(const std::string& sent, bool* pass_request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (times_ == 0 || mark_.empty() || sent.find(mark_) == std::string::npos) return false;
    --times_;
    ++cuts_;
    *pass_request = pass_request_;
    return true;
  }

  void Pass(int client, int server) {
    char block[65536];
    std::string sent;  // since the last answer
    bool cut_answer = false;
    while (!stop_) {
      pollfd ends[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (poll(ends, 2, 50) <= 0) continue;
      if (ends[0].revents != 0) {
        const ssize_t got = recv(client, block, sizeof(block), 0);
        if (got <= 0) return;
        sent.append(block, static_cast<size_t>(got));
        bool pass_request = true;
        if (!cut_answer && IsToCut(sent, &pass_request)) {
          if (!pass_request) return;
          cut_answer = true;
        }
        if (!SendAll(server, block, static_cast<size_t>(got))) return;
      }
      if (ends[1].revents != 0) {
        const ssize_t got = recv(server, block, sizeof(block), 0);
        if (got <= 0 || cut_answer || !SendAll(client, block, static_cast<size_t>(got))) return;
        sent.clear();
      }
    }
  }

  static bool SendAll(int to, const char* data, size_t size) {
    while (size > 0) {
      const ssize_t sent = send(to, data, size, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data += sent;
      size -= static_cast<size_t>(sent);
    }
    return true;
  }

  const int server_port_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> cuts_{0};
  std::mutex mutex_;
  std::string mark_;
  int times_ = 0;
  bool pass_request_ = true;
  std::thread acceptor_;
  std::vector<std::thread> connections_;
};

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_WAREHOUSE_STORAGE_CUTTING_PROXY_H_
