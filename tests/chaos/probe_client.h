#ifndef MILLRACE_TESTS_CHAOS_PROBE_CLIENT_H_
#define MILLRACE_TESTS_CHAOS_PROBE_CLIENT_H_

#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

// What the commands of chaos_probe share. It uses Kafka's client directly and nothing of Millrace: it judges Millrace.

namespace probe {

using Client = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, decltype(&rd_kafka_topic_partition_list_destroy)>;
using Settings = std::map<std::string, std::string>;

/// Ends the process with a message when something is wrong, as all of these do: a probe that cannot see must not look like one
/// that saw nothing.
[[noreturn]] void Die(const std::string& what);

/// Called in Poll for each record that was sent, delivered or not.
using DeliveryReport = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);

Client MakeClient(rd_kafka_type_t type, const std::string& servers, const Settings& settings, DeliveryReport report = nullptr,
                  void* opaque = nullptr);
int PartitionCount(rd_kafka_t* client, const std::string& topic);
/// End of a partition: with a client that reads uncommitted the high watermark, else the last stable offset.
std::map<std::pair<std::string, int>, int64_t> Ends(rd_kafka_t* consumer, const std::vector<std::string>& topics);
int64_t NowMillis();
/// True once standard input is closed or says anything: the orchestrator asks for the end.
bool AskedToStop();

struct Arguments {
  std::string servers;
  std::vector<std::string> topics;
  std::string out;
  std::string group;
  std::string key = "chaos";
  double rate = 500;
  int64_t seed = 1;
  int64_t first_id = 0;
  int64_t keys = 20;
  int64_t count = 10;
  int64_t amount = 0;
};

int Produce(const Arguments& arguments);
int SendOne(const Arguments& arguments);
int Collect(const Arguments& arguments);
int CreateTopics(const Arguments& arguments);
int DeleteTopics(const Arguments& arguments);
int AddPartitions(const Arguments& arguments);
int DeleteRecords(const Arguments& arguments);
int Committed(const Arguments& arguments);
int PrintEnds(const Arguments& arguments);
int LeaveTransactionOpen(const Arguments& arguments);
int EndTransaction(const Arguments& arguments);

}  // namespace probe

#endif  // MILLRACE_TESTS_CHAOS_PROBE_CLIENT_H_
