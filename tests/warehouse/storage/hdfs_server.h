#ifndef MILLRACE_TESTS_WAREHOUSE_STORAGE_HDFS_SERVER_H_
#define MILLRACE_TESTS_WAREHOUSE_STORAGE_HDFS_SERVER_H_

#include <memory>
#include <string>

#include "child_process.h"
#include "storage/random_name.h"
#include "storage/webhdfs_storage.h"

namespace millrace::warehouse_test {

/// A name node and a data node; one for the whole program.
class HdfsServer {
 public:
  static HdfsServer& Get() {
    static HdfsServer server;
    return server;
  }
  ~HdfsServer() { RunCommand(Script() + " stop --dir " + files_.path()); }
  HdfsServer(const HdfsServer&) = delete;
  HdfsServer& operator=(const HdfsServer&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] int port() const { return std::stoi(address_.substr(address_.find(':') + 1)); }

  [[nodiscard]] warehouse::WebHdfsOptions Options() const {
    warehouse::WebHdfsOptions options;
    options.user = "millrace";
    options.retry_time = std::chrono::seconds(20);
    return options;
  }
  [[nodiscard]] std::shared_ptr<warehouse::WebHdfsStorage> Open() const {
    return std::make_shared<warehouse::WebHdfsStorage>(Options());
  }
  [[nodiscard]] std::string NewFolder() const { return "hdfs://" + address_ + "/" + warehouse::RandomName(); }

 private:
  HdfsServer() {
    const std::string output = RunCommand(Script() + " start --dir " + files_.path());
    address_ = output.substr(output.rfind("webhdfs=") + 8);
  }
  static std::string Script() { return std::string(MILLRACE_SOURCE_DIR) + "/scripts/hdfs"; }

  TemporaryFolder files_;
  std::string address_;
};

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_WAREHOUSE_STORAGE_HDFS_SERVER_H_
