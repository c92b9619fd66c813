#ifndef MILLRACE_TESTS_WAREHOUSE_STORAGE_S3_SERVER_H_
#define MILLRACE_TESTS_WAREHOUSE_STORAGE_S3_SERVER_H_

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "child_process.h"
#include "storage/random_name.h"
#include "storage/s3_storage.h"

namespace millrace::warehouse_test {

/// An S3 that verifies signatures, with a bucket "warehouse"; one for the whole program.
class S3Server {
 public:
  static S3Server& Get() {
    static S3Server server;
    return server;
  }

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::string& access_key() const { return access_key_; }
  [[nodiscard]] const std::string& secret_key() const { return secret_key_; }

  /// By the port of the server or of a proxy.
  [[nodiscard]] warehouse::S3Options Options(int port) const {
    warehouse::S3Options options;
    options.endpoint = "http://127.0.0.1:" + std::to_string(port);
    options.credentials.credentials_file = files_.path() + "/credentials";
    options.part_bytes = 5 << 20;
    options.retry_time = std::chrono::seconds(20);
    return options;
  }
  [[nodiscard]] std::shared_ptr<warehouse::S3Storage> Open() const {
    return std::make_shared<warehouse::S3Storage>(Options(port_));
  }
  [[nodiscard]] std::string NewFolder() const { return "s3://warehouse/" + warehouse::RandomName(); }

 private:
  S3Server() : process_({Python(), TestFile("moto_server.py")}) {
    std::istringstream(process_.ReadLine()) >> port_ >> access_key_ >> secret_key_;
    std::ofstream(files_.path() + "/credentials")
        << "[default]\naws_access_key_id = " << access_key_ << "\naws_secret_access_key = " << secret_key_ << "\n";
  }

  ChildProcess process_;
  TemporaryFolder files_;
  int port_ = 0;
  std::string access_key_;
  std::string secret_key_;
};

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_WAREHOUSE_STORAGE_S3_SERVER_H_
