#ifndef MILLRACE_TESTS_INTEGRATION_KAFKA_BROKER_H_
#define MILLRACE_TESTS_INTEGRATION_KAFKA_BROKER_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace millrace::tests {

/// A real Kafka of this program's own, on a free port in a temporary folder; stopped and removed with it. Throws if it does not
/// start.
class KafkaBroker {
 public:
  KafkaBroker() {
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

  /// Again after Stop: same port, same data.
  void Start() {
    const std::string output = Run("start");
    const std::string mark = "bootstrap.servers=";
    const size_t at = output.rfind(mark);
    if (at == std::string::npos) throw std::runtime_error("scripts/kafka did not start: " + output);
    bootstrap_servers_ = output.substr(at + mark.size());
    while (!bootstrap_servers_.empty() && bootstrap_servers_.back() == '\n') bootstrap_servers_.pop_back();
  }
  void Stop() { Run("stop"); }

 private:
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
