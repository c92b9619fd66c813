// bench: the workloads of the Kafka Streams peer (tests/bench/peers/kafka-streams) on Millrace, with the same commands, options,
// topics and JSON lines. Loading and checking stay the peer's.

#include <iostream>
#include <string>

#include "commands.h"
#include "millrace/runtime/logging.h"

namespace {

constexpr char kUsage[] = R"(
  run      --bootstrap B --workload W --state-dir D [--records N --warmup M --cache-bytes X --linger L --commit-ms C --threads T
           --set key=value ... --in T --out T --seconds S --keep true]
  work     --bootstrap B --workload W --state-dir D --application ID [--commit-ms C --threads T --set key=value ...]
           one of several workers of ID, until SIGTERM
  restore  --bootstrap B --state-dir D [--store rocksdb|memory --threads T]
  latency  --bootstrap B --workload W1|W2 --in T --out T --seconds S [--warmup-seconds 5 --committed true]
  topics   --bootstrap B [--workload W | --recreate T,T,...] [--partitions P]
  every subcommand: --prefix P (first word of topic names, default bench)
)";

absl::Status Dispatch(const std::string& command, const millrace::bench::Options& options) {
  if (command == "run") return millrace::bench::Run(options);
  if (command == "work") return millrace::bench::Work(options);
  if (command == "restore") return millrace::bench::Restore(options);
  if (command == "latency") return millrace::bench::Latency(options);
  if (command == "topics") return millrace::bench::Topics(options);
  return absl::InvalidArgumentError("no command '" + command + "'" + kUsage);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << kUsage;
    return 2;
  }
  millrace::LogOptions log;
  log.level = millrace::LogLevel::kError;
  millrace::ConfigureLogging(log);
  const absl::StatusOr<millrace::bench::Options> options = millrace::bench::Options::Parse(argc - 2, argv + 2);
  const absl::Status status = options.ok() ? Dispatch(argv[1], *options) : options.status();
  if (status.ok()) return 0;
  std::cerr << "bench: " << status << "\n";
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}
