#ifndef MILLRACE_TESTS_WAREHOUSE_STORAGE_POSTGRES_SERVER_H_
#define MILLRACE_TESTS_WAREHOUSE_STORAGE_POSTGRES_SERVER_H_

#include <string>

#include "child_process.h"
#include "storage/random_name.h"

namespace millrace::warehouse_test {

/// A PostgreSQL that asks for a password; one for the whole program.
class PostgresServer {
 public:
  static PostgresServer& Get() {
    static PostgresServer server;
    return server;
  }
  ~PostgresServer() { Stop("--immediate"); }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  /// A new database, by the port of the server or of a proxy.
  [[nodiscard]] std::string NewDatabase() const {
    const std::string name = "d" + warehouse::RandomName();
    Run("create database " + name, "millrace");
    return name;
  }
  [[nodiscard]] std::string Address(int port, const std::string& database, const std::string& scheme = "postgresql") const {
    return scheme + "://millrace:" + password() + "@127.0.0.1:" + std::to_string(port) + "/" + database;
  }
  [[nodiscard]] static std::string password() { return "very-secret"; }
  /// What psql prints for a statement.
  std::string Run(const std::string& statement, const std::string& database) const {
    return RunCommand("psql -At -q '" + Address(port_, database) + "' -c \"" + statement + "\"");
  }
  /// As in a crash, or after all is written.
  void Stop(const std::string& how) const { RunCommand(Script() + " stop --dir " + files_.path() + " " + how); }
  void Start() {
    const std::string output = RunCommand(Script() + " start --dir " + files_.path() + " --password " + password());
    port_ = std::stoi(output.substr(output.rfind("port=") + 5));
  }

 private:
  PostgresServer() { Start(); }
  static std::string Script() { return std::string(MILLRACE_SOURCE_DIR) + "/scripts/postgres"; }

  TemporaryFolder files_;
  int port_ = 0;
};

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_WAREHOUSE_STORAGE_POSTGRES_SERVER_H_
