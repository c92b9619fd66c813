#include <CLI/CLI.hpp>
#include <string>

#include "probe_client.h"

// The eyes and hands of chaos on Kafka: everything that needs a client and must not be Millrace's.
int main(int argc, char** argv) {
  CLI::App app("chaos_probe: writes the workload, reads what came out, changes topics");
  app.require_subcommand(1);
  probe::Arguments arguments;
  int code = 0;
  const auto add = [&](const std::string& name, const std::string& description, int (*run)(const probe::Arguments&)) {
    CLI::App* command = app.add_subcommand(name, description);
    command->add_option("--servers", arguments.servers)->required();
    command->add_option("topics", arguments.topics)->required();
    command->add_option("--out", arguments.out, "file for ledger or records");
    command->add_option("--group", arguments.group);
    command->add_option("--key", arguments.key);
    command->add_option("--rate", arguments.rate, "records a second");
    command->add_option("--seed", arguments.seed);
    command->add_option("--first-id", arguments.first_id);
    command->add_option("--keys", arguments.keys, "at the beginning; one more for every 25 records");
    command->add_option("--count", arguments.count, "partitions or records");
    command->add_option("--amount", arguments.amount);
    command->callback([&arguments, &code, run] { code = run(arguments); });
  };
  add("produce", "sends records until standard input closes; prints the next id", probe::Produce);
  add("send", "sends one record with --key, --first-id and --amount", probe::SendOne);
  add("collect", "reads committed records until standard input closes and all is read", probe::Collect);
  add("create", "creates topics with --count partitions", probe::CreateTopics);
  add("delete", "deletes topics", probe::DeleteTopics);
  add("add-partitions", "up to --count", probe::AddPartitions);
  add("delete-records", "all that the topics hold now", probe::DeleteRecords);
  add("committed", "offsets of --group beside the high watermarks", probe::Committed);
  add("ends", "last stable offsets and high watermarks", probe::PrintEnds);
  add("open-transaction", "--count records for each partition in a transaction that is left open", probe::LeaveTransactionOpen);
  add("end-transaction", "as a broker does after its time-out: aborts that transaction", probe::EndTransaction);
  CLI11_PARSE(app, argc, argv);
  return code;
}
