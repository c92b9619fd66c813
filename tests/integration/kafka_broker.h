#ifndef MILLRACE_TESTS_INTEGRATION_KAFKA_BROKER_H_
#define MILLRACE_TESTS_INTEGRATION_KAFKA_BROKER_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace millrace::tests {

/// A real Kafka of this program's own, on a free port in a temporary folder; stopped and removed with it. Throws if it does not
/// start. MILLRACE_TRANSACTION_VERSION in the environment is that of the cluster. With more than one node, three of them hold
/// all.
class KafkaBroker {
 public:
  explicit KafkaBroker(int nodes = 1) : nodes_(nodes) {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-kafka-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
    dir_ = pattern;
    Start();
  }
  ~KafkaBroker() {
    Stop();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  KafkaBroker(const KafkaBroker&) = delete;
  KafkaBroker& operator=(const KafkaBroker&) = delete;

  [[nodiscard]] const std::string& bootstrap_servers() const { return bootstrap_servers_; }

  /// Again after Stop or Kill: same port, same data.
  void Start() {
    std::string command = "start";
    if (const char* version = std::getenv("MILLRACE_TRANSACTION_VERSION")) {
      command.append(" --transaction-version ").append(version);
    }
    if (nodes_ > 1) command.append(" --nodes ").append(std::to_string(nodes_));
    const std::string output = Run(command);
    const std::string mark = "bootstrap.servers=";
    const size_t at = output.rfind(mark);
    if (at == std::string::npos) throw std::runtime_error("scripts/kafka did not start: " + output);
    bootstrap_servers_ = output.substr(at + mark.size());
    while (!bootstrap_servers_.empty() && bootstrap_servers_.back() == '\n') bootstrap_servers_.pop_back();
  }
  void Stop() {
    Resume();
    Run("stop");
  }
  /// It answers nobody, though connections to it stand.
  void Pause() const { Signal(SIGSTOP); }
  void Resume() const { Signal(SIGCONT); }
  /// Of several nodes, counted from 1.
  void Kill(int node) const { SignalTo(dir_ + "/node-" + std::to_string(node), SIGKILL); }

 private:
  void Signal(int number) const { SignalTo(dir_, number); }
  static void SignalTo(const std::string& folder, int number) {
    pid_t pid = 0;
    if (std::ifstream(folder + "/kafka.pid") >> pid && pid > 0) kill(pid, number);
  }
  std::string Run(const std::string& command) const {
    const std::string line = std::string(MILLRACE_SOURCE_DIR) + "/scripts/kafka " + command + " --dir '" + dir_ + "' 2>&1";
    std::string output;
    FILE* pipe = popen(line.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("cannot run " + line);
    char buffer[512];
    while (fgets(buffer, sizeof(buffer), pipe) != nullptr) output += buffer;
    pclose(pipe);
    return output;
  }

  const int nodes_;
  std::string dir_;
  std::string bootstrap_servers_;
};

/// One broker for all tests of a suite.
class KafkaBrokerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { broker_ = new KafkaBroker; }
  static void TearDownTestSuite() {
    delete broker_;
    broker_ = nullptr;
  }

  static inline KafkaBroker* broker_ = nullptr;
};

}  // namespace millrace::tests

#endif  // MILLRACE_TESTS_INTEGRATION_KAFKA_BROKER_H_
