#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/cli.h"
#include "cli/warehouse_flags.h"
#include "host/host.h"
#include "millrace/runtime/main.h"

namespace millrace {
namespace {

/// What the command line says about settings.
struct ConfigurationFlags {
  std::string bootstrap_servers;
  std::string file;
  std::vector<std::string> set;
};

void AddConfigurationFlags(CLI::App* command, ConfigurationFlags* flags) {
  command->add_option("--bootstrap-servers", flags->bootstrap_servers, "Brokers to start from: HOST:PORT,HOST:PORT");
  command->add_option("--config", flags->file, "Properties file with settings (docs/configuration.md)");
  command->add_option("--set", flags->set, "One setting; may be given many times")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

void AddResetFlags(CLI::App* command, ResetFlags* flags) {
  CLI::Option_group* target = command->add_option_group("target", "Where the source topics are read on from");
  target->add_flag("--to-earliest", flags->to_earliest, "Their first records (default)");
  target->add_flag("--to-latest", flags->to_latest, "Their ends");
  target->add_option("--to-datetime", flags->to_datetime, "Records from this time: 2026-11-25T10:00:00Z or milliseconds");
  target->add_option("--by-duration", flags->by_duration, "Records from so long ago: P7D, PT36H, PT90M");
  target->require_option(0, 1);
  command->add_flag("--empty-tables", flags->empty_tables, "Take the rows out of the application's tables in the warehouse");
  command->add_flag("--execute", flags->execute, "Do it; without this it is only shown");
}

void AddExportFlags(CLI::App* command, ExportFlags* flags) {
  CLI::Option_group* source = command->add_option_group("source", "What is exported");
  source->add_option("--table", flags->table, "A table: its newest snapshot, or that of --snapshot");
  source->add_option("--topic", flags->topic, "A topic: its committed records, up to the ends that it has now");
  source->require_option(1);
  command->add_option("--snapshot", flags->snapshot, "A snapshot of the table, by its number");
  command->add_option("--message", flags->message, "The protobuf message of the topic's values; otherwise that of its table");
  command->add_flag("--skip-errors", flags->skip_errors, "Leave out records of the topic that are no rows, and count them");
  command->add_option("--output", flags->output, "A file, which appears when it is whole; - is the standard output")
      ->capture_default_str();
  command->add_option("--columns", flags->columns, "Columns in the order that is wanted, with commas; otherwise all");
  command->add_flag("--bom", flags->byte_order_mark, "Begin with a byte order mark, for Excel");
  command->add_flag("--raw", flags->raw, "Leave texts as they are that a spreadsheet takes for formulas");
  command->add_option("--day", flags->day, "Rows of one day only")->type_name("COLUMN=YYYY-MM-DD");
  command->add_option("--daily", flags->daily, "A file for each day of this column that is complete; needs --dir");
  command->add_option("--dir", flags->folder, "Folder of the daily files");
  command->add_option("--days", flags->days, "With --daily: so many complete days back")->capture_default_str();
  command->add_flag("--rewrite", flags->rewrite, "With --daily: write files again whose days have got late rows");
}

/// The commands that work with tables.
struct WarehouseCommands {
  CLI::App* land = nullptr;
  CLI::App* tables = nullptr;
  CLI::App* ddl = nullptr;
  CLI::App* exported = nullptr;
  TablesFlags tables_flags;
  DdlFlags ddl_flags;
  ExportFlags export_flags;

  void AddTo(CLI::App* app, ConfigurationFlags* flags) {
    land = app->add_subcommand("land", "Land topics in tables of the warehouse until SIGTERM or SIGINT");
    AddConfigurationFlags(land, flags);
    tables = app->add_subcommand("tables", "List the tables of the warehouse, or describe one");
    AddConfigurationFlags(tables, flags);
    tables->add_option("name", tables_flags.table, "The table to describe: [NAMESPACE.]TABLE");
    tables->add_flag("--json", tables_flags.json, "All that is known of them, for machines");
    ddl = app->add_subcommand("ddl", "Print what an engine must be told to see tables of the warehouse");
    AddConfigurationFlags(ddl, flags);
    ddl->add_option("--engine", ddl_flags.engine, "spark, trino, athena, duckdb or postgres")->required();
    ddl->add_option("tables", ddl_flags.tables, "The tables: [NAMESPACE.]TABLE; otherwise all");
    exported = app->add_subcommand("export", "Write a table or a topic as CSV");
    AddConfigurationFlags(exported, flags);
    AddExportFlags(exported, &export_flags);
  }
};

/// Adds options of an application's command to CLI11.
class CliOptions : public CommandOptions {
 public:
  explicit CliOptions(CLI::App* command) : command_(command) {}

  void Add(const std::string& name, std::string* target, const std::string& description, bool required) override {
    AddTo(name, target, description, required);
  }
  void Add(const std::string& name, int64_t* target, const std::string& description, bool required) override {
    AddTo(name, target, description, required);
  }
  void Add(const std::string& name, int* target, const std::string& description, bool required) override {
    AddTo(name, target, description, required);
  }
  void Add(const std::string& name, double* target, const std::string& description, bool required) override {
    AddTo(name, target, description, required);
  }
  void Add(const std::string& name, std::vector<std::string>* target, const std::string& description, bool required) override {
    command_->add_option(name, *target, description)->required(required)->allow_extra_args(name.empty() || name[0] != '-');
  }
  void AddFlag(const std::string& name, bool* target, const std::string& description) override {
    command_->add_flag(name, *target, description);
  }

 private:
  template <class T>
  void AddTo(const std::string& name, T* target, const std::string& description, bool required) {
    CLI::Option* option = command_->add_option(name, *target, description)->required(required);
    if (!required) option->capture_default_str();
  }

  CLI::App* command_;
};

/// False after saying that there is no broker to ask.
bool NamesBrokers(const StreamsConfig& config) {
  if (!config.bootstrap_servers().empty()) return true;
  PrintError(
      absl::InvalidArgumentError("bootstrap.servers is not set: give --bootstrap-servers HOST:PORT, the variable "
                                 "APP_BOOTSTRAP_SERVERS or a line in the properties file"));
  return false;
}

}  // namespace

void PrintError(const absl::Status& status) {
  for (absl::string_view line : absl::StrSplit(status.message(), '\n')) fprintf(stderr, "error: %s\n", std::string(line).c_str());
}

int ErrorExit(const absl::Status& status) {
  PrintError(status);
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

struct Application::State {
  std::string name;
  TopologyFunction topology;
  std::string description;
  std::vector<std::pair<std::string, std::string>> defaults;
  std::vector<Command> commands;
  std::vector<std::function<void(CommandOptions&)>> options;
  std::vector<std::function<absl::Status(const StreamsConfig&)>> checks;
  ExceptionHandlers handlers;

  [[nodiscard]] absl::StatusOr<StreamsConfig> Configure(const ConfigurationFlags& flags) const {
    StreamsConfig::Builder builder;
    builder.AddProgramDefault("application.id", name);
    for (const auto& [setting, value] : defaults) builder.AddProgramDefault(setting, value);
    if (!flags.file.empty()) {
      absl::StatusOr<std::string> text = Host::Real().files().Read(flags.file);
      if (!text.ok()) return absl::InvalidArgumentError(absl::StrCat("--config: ", text.status().message()));
      builder.AddPropertiesText(*text, flags.file);
    }
    builder.AddEnvironment(environ);
    for (const std::string& assignment : flags.set) builder.AddFlag(assignment);
    if (!flags.bootstrap_servers.empty()) {
      builder.AddFlag(absl::StrCat("bootstrap.servers=", flags.bootstrap_servers), "--bootstrap-servers");
    }
    return builder.Build();
  }

  /// Those that the topology names, if there is one.
  [[nodiscard]] absl::StatusOr<std::vector<LandedTopic>> LandedTopics(const StreamsConfig& config) const {
    if (!topology) return std::vector<LandedTopic>();
    const absl::StatusOr<Topology> made = MakeTopology(config);
    if (!made.ok()) return made.status();
    return made->landed_topics();
  }

  /// The function is the user's: what it throws is an error like another.
  [[nodiscard]] absl::StatusOr<Topology> MakeTopology(const StreamsConfig& config) const {
    try {
      return topology(config);
    } catch (const std::exception& e) {
      return absl::InvalidArgumentError(absl::StrCat("the topology cannot be built: ", e.what()));
    }
  }

  [[nodiscard]] absl::Status CheckBeforeRun(const StreamsConfig& config) const {
    if (!checks.empty()) ConfigureLoggingFrom(config);
    try {
      for (const auto& check : checks) {
        if (absl::Status status = check(config); !status.ok()) return status;
      }
    } catch (const std::exception& e) {
      return absl::FailedPreconditionError(absl::StrCat("a check before the run threw: ", e.what()));
    }
    return absl::OkStatus();
  }

  [[nodiscard]] int RunTopology(const ConfigurationFlags& flags, bool print_config, bool markdown) const {
    if (markdown) {
      fputs(ConfigurationMarkdown().c_str(), stdout);
      return kExitOk;
    }
    const absl::StatusOr<StreamsConfig> config = Configure(flags);
    if (!config.ok()) return PrintError(config.status()), kExitUsage;
    if (print_config) {
      fputs(config->ToString().c_str(), stdout);
      return kExitOk;
    }
    if (!NamesBrokers(*config)) return kExitUsage;
    const absl::StatusOr<Topology> made = MakeTopology(*config);
    if (!made.ok()) return PrintError(made.status()), kExitFailed;
    if (const absl::Status status = CheckBeforeRun(*config); !status.ok()) return PrintError(status), kExitFailed;
    return RunUntilStopped(*config, *made, handlers);
  }

  [[nodiscard]] int ShowStatus(const ConfigurationFlags& flags) const {
    const absl::StatusOr<StreamsConfig> config = Configure(flags);
    if (!config.ok()) return PrintError(config.status()), kExitUsage;
    if (!NamesBrokers(*config)) return kExitUsage;
    return PrintStatus(*config);
  }

  [[nodiscard]] int Land(const ConfigurationFlags& flags) const {
    const absl::StatusOr<StreamsConfig> config = Configure(flags);
    if (!config.ok()) return PrintError(config.status()), kExitUsage;
    if (!NamesBrokers(*config)) return kExitUsage;
    const absl::StatusOr<std::vector<LandedTopic>> topics = LandedTopics(*config);
    if (!topics.ok()) return PrintError(topics.status()), kExitFailed;
    return LandTopics(*config, *topics);
  }

  template <class Flags>
  [[nodiscard]] int OfWarehouse(const ConfigurationFlags& flags, const Flags& of_command,
                                int (*run)(const StreamsConfig&, const Flags&)) const {
    const absl::StatusOr<StreamsConfig> config = Configure(flags);
    if (!config.ok()) return PrintError(config.status()), kExitUsage;
    return run(*config, of_command);
  }

  [[nodiscard]] int Export(const ConfigurationFlags& flags, const ExportFlags& of_export) const {
    const absl::StatusOr<StreamsConfig> config = Configure(flags);
    if (!config.ok()) return PrintError(config.status()), kExitUsage;
    // Only a topic needs brokers, and the topology that may say what its values are.
    if (of_export.topic.empty()) return ExportCsv(*config, of_export, {});
    if (!NamesBrokers(*config)) return kExitUsage;
    const absl::StatusOr<std::vector<LandedTopic>> topics = LandedTopics(*config);
    if (!topics.ok()) return PrintError(topics.status()), kExitFailed;
    return ExportCsv(*config, of_export, *topics);
  }

  [[nodiscard]] int Reset(const ConfigurationFlags& flags, const ResetFlags& reset) const {
    const absl::StatusOr<StreamsConfig> config = Configure(flags);
    if (!config.ok()) return PrintError(config.status()), kExitUsage;
    if (!NamesBrokers(*config)) return kExitUsage;
    const absl::StatusOr<Topology> made = MakeTopology(*config);
    if (!made.ok()) return PrintError(made.status()), kExitFailed;
    return ResetApplication(*config, *made, reset);
  }

  [[nodiscard]] int DescribeTopology(const ConfigurationFlags& flags) const {
    const absl::StatusOr<StreamsConfig> config = Configure(flags);
    if (!config.ok()) return PrintError(config.status()), kExitUsage;
    const absl::StatusOr<Topology> made = MakeTopology(*config);
    if (!made.ok()) return PrintError(made.status()), kExitFailed;
    fputs(made->Describe().c_str(), stdout);
    return kExitOk;
  }

  [[nodiscard]] int RunCommand(const Command& command, const ConfigurationFlags& flags) const {
    const absl::StatusOr<StreamsConfig> config = Configure(flags);
    if (!config.ok()) return PrintError(config.status()), kExitUsage;
    ConfigureLoggingFrom(*config);
    try {
      const absl::StatusOr<int> code = command.run(*config);
      if (!code.ok()) return PrintError(code.status()), kExitFailed;
      return *code;
    } catch (const std::exception& e) {
      fprintf(stderr, "error: %s\n", e.what());
      return kExitFailed;
    }
  }
};

Application::Application(std::string name, TopologyFunction topology) : state_(std::make_unique<State>()) {
  state_->name = std::move(name);
  state_->topology = std::move(topology);
}
Application::Application(std::string name) : Application(std::move(name), nullptr) {}
Application::~Application() = default;

Application& Application::Description(std::string text) {
  state_->description = std::move(text);
  return *this;
}

Application& Application::Default(std::string_view setting, std::string_view value) {
  state_->defaults.emplace_back(setting, value);
  return *this;
}

Application& Application::Add(Command command) {
  state_->commands.push_back(std::move(command));
  return *this;
}

Application& Application::Options(std::function<void(CommandOptions& options)> declare) {
  state_->options.push_back(std::move(declare));
  return *this;
}

Application& Application::BeforeRun(std::function<absl::Status(const StreamsConfig& config)> check) {
  state_->checks.push_back(std::move(check));
  return *this;
}

Application& Application::Handlers(ExceptionHandlers handlers) {
  state_->handlers = std::move(handlers);
  return *this;
}

int Application::Run(int argc, const char* const* argv) {
  CLI::App app(state_->description, state_->name);
  app.require_subcommand(1);
  ConfigurationFlags flags;

  bool print_config = false;
  bool markdown = false;
  CLI::App* run = app.add_subcommand("run", "Run the topology until SIGTERM or SIGINT");
  AddConfigurationFlags(run, &flags);
  CLI::Option* print = run->add_flag("--print-config", print_config, "Print every setting with its value and origin, and end");
  run->add_flag("--markdown", markdown, "With --print-config: print the reference page of all settings instead")->needs(print);
  CLI::App* topology = app.add_subcommand("topology", "Describe the topology as Kafka Streams does");
  AddConfigurationFlags(topology, &flags);
  CLI::App* status = app.add_subcommand("status", "Print the running copies with their tasks, lag and age");
  AddConfigurationFlags(status, &flags);

  WarehouseCommands of_warehouse;
  of_warehouse.AddTo(&app, &flags);

  ResetFlags reset_flags;
  CLI::App* reset = app.add_subcommand("reset", "Begin anew: positions, internal topics and local state; shows it first");
  AddConfigurationFlags(reset, &flags);
  AddResetFlags(reset, &reset_flags);

  for (CLI::App* command : {run, topology, reset}) {
    if (!state_->topology) command->disabled()->group("");
  }

  std::vector<CLI::App*> commands;
  for (const Command& command : state_->commands) {
    CLI::App* added = app.add_subcommand(command.name, command.description);
    if (command.takes_configuration) AddConfigurationFlags(added, &flags);
    CliOptions options(added);
    if (command.declare) command.declare(options);
    commands.push_back(added);
  }
  for (CLI::App* command : app.get_subcommands({})) {
    CliOptions options(command);
    for (const auto& declare : state_->options) declare(options);
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitOk : kExitUsage;
  }
  if (run->parsed()) return state_->RunTopology(flags, print_config, markdown);
  if (topology->parsed()) return state_->DescribeTopology(flags);
  if (status->parsed()) return state_->ShowStatus(flags);
  if (of_warehouse.land->parsed()) return state_->Land(flags);
  if (of_warehouse.tables->parsed()) return state_->OfWarehouse(flags, of_warehouse.tables_flags, PrintTables);
  if (of_warehouse.ddl->parsed()) return state_->OfWarehouse(flags, of_warehouse.ddl_flags, PrintDdl);
  if (of_warehouse.exported->parsed()) return state_->Export(flags, of_warehouse.export_flags);
  if (reset->parsed()) return state_->Reset(flags, reset_flags);
  for (size_t i = 0; i < commands.size(); ++i) {
    if (commands[i]->parsed()) return state_->RunCommand(state_->commands[i], flags);
  }
  return kExitUsage;
}

int Main(int argc, char** argv, TopologyFunction topology) {
  std::string name = argc > 0 ? argv[0] : "millrace";
  name = name.substr(name.find_last_of('/') + 1);
  return Application(name, std::move(topology)).Run(argc, argv);
}

}  // namespace millrace
