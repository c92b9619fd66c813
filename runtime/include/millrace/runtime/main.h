#ifndef MILLRACE_RUNTIME_MAIN_H_
#define MILLRACE_RUNTIME_MAIN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/runtime/exception_handlers.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/topologies/topology.h"

namespace millrace {

/// Makes the topology of an application. A function that returns a plain Topology fits too.
using TopologyFunction = std::function<absl::StatusOr<Topology>(const StreamsConfig& config)>;

/// Where a command of an application declares its own options. Targets must live until the command has run; what they hold at
/// declaration is the default shown by --help.
class CommandOptions {
 public:
  virtual ~CommandOptions() = default;
  /// `name` as in CLI: "--users" or "-n,--users"; a name without dashes is positional.
  virtual void Add(const std::string& name, std::string* target, const std::string& description, bool required = false) = 0;
  virtual void Add(const std::string& name, int64_t* target, const std::string& description, bool required = false) = 0;
  virtual void Add(const std::string& name, int* target, const std::string& description, bool required = false) = 0;
  virtual void Add(const std::string& name, double* target, const std::string& description, bool required = false) = 0;
  virtual void Add(const std::string& name, std::vector<std::string>* target, const std::string& description,
                   bool required = false) = 0;
  /// A flag: true when given.
  virtual void AddFlag(const std::string& name, bool* target, const std::string& description) = 0;
};

/// A command that an application adds to its program ("generate", "check").
struct Command {
  std::string name;
  std::string description;
  /// May be empty. Called once, before the command line is parsed.
  std::function<void(CommandOptions& options)> declare;
  /// Returns the exit code of the process; an error is printed on stderr and exits with 1.
  std::function<absl::StatusOr<int>(const StreamsConfig& config)> run;
  /// True: the command also takes --bootstrap-servers, --config and --set, and `run` gets what they say. False: the program's
  /// defaults.
  bool takes_configuration = true;
};

/// The command line of a program that runs a topology:
///   PROGRAM run --bootstrap-servers H:P [--config FILE] [--set name=value]... [--print-config [--markdown]]
///   PROGRAM topology [--config FILE] [--set name=value]...
///   PROGRAM status --bootstrap-servers H:P [--config FILE] [--set name=value]...
///   PROGRAM reset --bootstrap-servers H:P [--to-earliest | --to-latest | --to-datetime T | --by-duration D] [--empty-tables]
///                 [--execute]
///   PROGRAM land --bootstrap-servers H:P ...         (docs/warehouse.md)
///   PROGRAM tables ..., ddl ..., export ...          (docs/warehouse.md, docs/export.md)
/// and the commands that the application adds. `run` ends cleanly on SIGTERM or SIGINT within seconds; a second signal aborts it.
/// Exit codes: 0 done or stopped by a signal, 1 the application failed, 2 wrong command line or configuration, 130 aborted by a
/// second signal.
class Application {
 public:
  /// `name` is the default of application.id.
  Application(std::string name, TopologyFunction topology);
  /// Without a topology: what works with tables (`land`, `tables`, `ddl`, `export`) and `status`.
  explicit Application(std::string name);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  Application& Description(std::string text);
  /// A default of this program for a setting; file, environment and flags win over it.
  Application& Default(std::string_view setting, std::string_view value);
  Application& Add(Command command);
  /// Options that `run`, `topology` and every added command take: what the topology needs to know besides its configuration.
  /// `declare` is called once for each of them, before the command line is parsed, with the same targets. The topology function
  /// and the commands run after they are set.
  Application& Options(std::function<void(CommandOptions& options)> declare);
  /// What `run` does about records that fail, in place of the properties *.exception.handler.
  Application& Handlers(ExceptionHandlers handlers);
  /// `check` is called by `run` when the configuration is read and the topology made, before anything is started: for what only
  /// the application knows must hold ("these topics have equal partition counts"). An error ends the program with 1.
  Application& BeforeRun(std::function<absl::Status(const StreamsConfig& config)> check);
  /// Parses and runs; returns the exit code. Call once, on the main thread.
  [[nodiscard]] int Run(int argc, const char* const* argv);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The whole main() of a simple program. application.id is the program's file name unless set.
[[nodiscard]] int Main(int argc, char** argv, TopologyFunction topology);

/// Runs a topology until SIGTERM or SIGINT, or until it fails: what the command `run` does after it has read the configuration,
/// for applications with commands of their own. Returns the exit code.
[[nodiscard]] int RunUntilStopped(const StreamsConfig& config, const Topology& topology, ExceptionHandlers handlers = {});

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_MAIN_H_
