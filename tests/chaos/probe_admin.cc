#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "probe_client.h"

// What chaos does to topics and asks of the broker.

namespace probe {
namespace {

constexpr int kTimeoutMs = 30000;
constexpr int kPauseMs = 50;

/// Runs an admin request and gives its event.
template <class Start>
std::unique_ptr<rd_kafka_event_t, decltype(&rd_kafka_event_destroy)> Ask(rd_kafka_t* client, Start start) {
  const std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)> queue(rd_kafka_queue_new(client),
                                                                                   &rd_kafka_queue_destroy);
  start(queue.get());
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue.get(), kTimeoutMs);
  if (event == nullptr) Die("no answer from the broker");
  if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) Die(rd_kafka_event_error_string(event));
  return {event, &rd_kafka_event_destroy};
}

void CheckTopics(const rd_kafka_topic_result_t** results, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (rd_kafka_topic_result_error(results[i]) == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    Die(std::string(rd_kafka_topic_result_name(results[i])) + ": " + rd_kafka_topic_result_error_string(results[i]));
  }
}

Client Reader(const Arguments& arguments, const std::string& isolation) {
  return MakeClient(RD_KAFKA_CONSUMER, arguments.servers,
                    {{"group.id", arguments.group.empty() ? "chaos-probe" : arguments.group},
                     {"enable.auto.commit", "false"},
                     {"isolation.level", isolation}});
}

void Check(rd_kafka_error_t* error) {
  if (error != nullptr) Die(rd_kafka_error_string(error));
}

// Its coming ends the transaction of its predecessor.
Client Stranger(const Arguments& arguments) {
  Client client = MakeClient(RD_KAFKA_PRODUCER, arguments.servers,
                             {{"transactional.id", "chaos-stranger-" + arguments.topics[0] + std::to_string(arguments.seed)},
                              {"transaction.timeout.ms", "120000"}});
  Check(rd_kafka_init_transactions(client.get(), kTimeoutMs));
  return client;
}

}  // namespace

// With `count` partitions each.
int CreateTopics(const Arguments& arguments) {
  const Client client = MakeClient(RD_KAFKA_PRODUCER, arguments.servers, {});
  char error[512];
  std::vector<rd_kafka_NewTopic_t*> topics;
  for (const std::string& name : arguments.topics) {
    topics.push_back(rd_kafka_NewTopic_new(name.c_str(), static_cast<int>(arguments.count), 1, error, sizeof error));
    if (topics.back() == nullptr) Die(error);
  }
  const auto event = Ask(client.get(), [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreateTopics(client.get(), topics.data(), topics.size(), nullptr, queue);
  });
  rd_kafka_NewTopic_destroy_array(topics.data(), topics.size());
  size_t count = 0;
  CheckTopics(rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count), count);
  // A broker says that a topic is made before it knows the topic. Then, until every partition has a leader that answers.
  const Client reader = Reader(arguments, "read_uncommitted");
  for (const std::string& topic : arguments.topics) {
    for (int i = 0; i < kTimeoutMs / kPauseMs && PartitionCount(reader.get(), topic) == 0; ++i) usleep(kPauseMs * 1000);
  }
  (void)Ends(reader.get(), arguments.topics);
  return 0;
}

int DeleteTopics(const Arguments& arguments) {
  const Client client = MakeClient(RD_KAFKA_PRODUCER, arguments.servers, {});
  std::vector<rd_kafka_DeleteTopic_t*> topics;
  for (const std::string& name : arguments.topics) topics.push_back(rd_kafka_DeleteTopic_new(name.c_str()));
  const auto event = Ask(client.get(), [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteTopics(client.get(), topics.data(), topics.size(), nullptr, queue);
  });
  rd_kafka_DeleteTopic_destroy_array(topics.data(), topics.size());
  size_t count = 0;
  CheckTopics(rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count), count);
  return 0;
}

// Up to `count` partitions.
int AddPartitions(const Arguments& arguments) {
  const Client client = MakeClient(RD_KAFKA_PRODUCER, arguments.servers, {});
  char error[512];
  rd_kafka_NewPartitions_t* wanted =
      rd_kafka_NewPartitions_new(arguments.topics[0].c_str(), static_cast<size_t>(arguments.count), error, sizeof error);
  if (wanted == nullptr) Die(error);
  const auto event =
      Ask(client.get(), [&](rd_kafka_queue_t* queue) { rd_kafka_CreatePartitions(client.get(), &wanted, 1, nullptr, queue); });
  rd_kafka_NewPartitions_destroy(wanted);
  size_t count = 0;
  CheckTopics(rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event.get()), &count), count);
  return 0;
}

// Everything that is in the topics now.
int DeleteRecords(const Arguments& arguments) {
  const Client client = Reader(arguments, "read_uncommitted");
  const Partitions list(rd_kafka_topic_partition_list_new(1), &rd_kafka_topic_partition_list_destroy);
  for (const auto& [partition, end] : Ends(client.get(), arguments.topics)) {
    rd_kafka_topic_partition_list_add(list.get(), partition.first.c_str(), partition.second)->offset = end;
  }
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list.get());
  const auto event =
      Ask(client.get(), [&](rd_kafka_queue_t* queue) { rd_kafka_DeleteRecords(client.get(), &request, 1, nullptr, queue); });
  rd_kafka_DeleteRecords_destroy(request);
  const auto* result = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  for (int i = 0; i < result->cnt; ++i) {
    if (result->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Die(std::string(result->elems[i].topic) + ": " + rd_kafka_err2str(result->elems[i].err));
    }
  }
  return 0;
}

// Topic, partition, committed offset of `group`, high watermark.
int Committed(const Arguments& arguments) {
  const Client client = Reader(arguments, "read_uncommitted");
  const auto ends = Ends(client.get(), arguments.topics);
  const Partitions list(rd_kafka_topic_partition_list_new(1), &rd_kafka_topic_partition_list_destroy);
  for (const auto& [partition, end] : ends) {
    rd_kafka_topic_partition_list_add(list.get(), partition.first.c_str(), partition.second);
  }
  const rd_kafka_resp_err_t error = rd_kafka_committed(client.get(), list.get(), kTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) Die(std::string("committed offsets: ") + rd_kafka_err2str(error));
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& p = list->elems[i];
    printf("%s %d %ld %ld\n", p.topic, p.partition, p.offset, ends.at({p.topic, p.partition}));
  }
  return 0;
}

// Topic, partition, last stable offset, high watermark.
int PrintEnds(const Arguments& arguments) {
  const auto stable = Ends(Reader(arguments, "read_committed").get(), arguments.topics);
  const auto high = Ends(Reader(arguments, "read_uncommitted").get(), arguments.topics);
  for (const auto& [partition, end] : high) {
    printf("%s %d %ld %ld\n", partition.first.c_str(), partition.second, stable.at(partition), end);
  }
  return 0;
}

// As a producer that dies: `count` records to each partition in a transaction that is open until EndTransaction.
int LeaveTransactionOpen(const Arguments& arguments) {
  const std::string& topic = arguments.topics[0];
  const Client client = Stranger(arguments);
  Check(rd_kafka_begin_transaction(client.get()));
  const std::string value = "0 0 0 0 0";
  const int partitions = PartitionCount(client.get(), topic);
  for (int64_t i = 0; i < arguments.count * partitions; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(client.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
                                                        RD_KAFKA_V_PARTITION(static_cast<int32_t>(i % partitions)),
                                                        RD_KAFKA_V_KEY(arguments.key.data(), arguments.key.size()),
                                                        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                                                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) Die(rd_kafka_err2str(error));
  }
  if (rd_kafka_flush(client.get(), kTimeoutMs) != RD_KAFKA_RESP_ERR_NO_ERROR) Die("the records were not delivered");
  printf("open\n");
  (void)fflush(stdout);
  // Without the client's end, which would abort.
  _Exit(0);
}

int EndTransaction(const Arguments& arguments) {
  (void)Stranger(arguments);
  return 0;
}

}  // namespace probe
