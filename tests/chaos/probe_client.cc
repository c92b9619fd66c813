#include "probe_client.h"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace probe {
namespace {

constexpr int kTimeoutMs = 30000;

}  // namespace

void Die(const std::string& what) {
  fprintf(stderr, "chaos_probe: %s\n", what.c_str());
  exit(1);
}

Client MakeClient(rd_kafka_type_t type, const std::string& servers, const Settings& settings, DeliveryReport report,
                  void* opaque) {
  char error[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const auto set = [&](const std::string& name, const std::string& value) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) Die(error);
  };
  set("bootstrap.servers", servers);
  set("log_level", "3");
  for (const auto& [name, value] : settings) set(name, value);
  rd_kafka_conf_set_opaque(conf, opaque);
  if (report != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, report);
  rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof error);
  if (client == nullptr) Die(error);
  return {client, &rd_kafka_destroy};
}

int PartitionCount(rd_kafka_t* client, const std::string& topic) {
  const std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)> handle(
      rd_kafka_topic_new(client, topic.c_str(), nullptr), &rd_kafka_topic_destroy);
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, handle.get(), &metadata, kTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) Die("metadata of " + topic + ": " + rd_kafka_err2str(error));
  const int count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(metadata);
  return count;
}

std::map<std::pair<std::string, int>, int64_t> Ends(rd_kafka_t* consumer, const std::vector<std::string>& topics) {
  const Partitions list(rd_kafka_topic_partition_list_new(1), &rd_kafka_topic_partition_list_destroy);
  const auto fill = [&] {
    for (const std::string& topic : topics) {
      const int count = PartitionCount(consumer, topic);
      if (count == 0) Die("there is no topic " + topic);
      for (int p = 0; p < count; ++p) {
        rd_kafka_topic_partition_t* known = rd_kafka_topic_partition_list_find(list.get(), topic.c_str(), p);
        if (known == nullptr) known = rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p);
        known->offset = RD_KAFKA_OFFSET_END;
      }
    }
  };
  // Leaders may just be known from before.
  const int64_t deadline = NowMillis() + kTimeoutMs;
  std::string error;
  do {
    fill();
    error.clear();
    const rd_kafka_resp_err_t all = rd_kafka_offsets_for_times(consumer, list.get(), kTimeoutMs);
    if (all != RD_KAFKA_RESP_ERR_NO_ERROR) error = rd_kafka_err2str(all);
    for (int i = 0; i < list->cnt; ++i) {
      if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) error = rd_kafka_err2str(list->elems[i].err);
    }
    if (!error.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  } while (!error.empty() && NowMillis() < deadline);
  if (!error.empty()) Die("ends of partitions: " + error);
  std::map<std::pair<std::string, int>, int64_t> ends;
  for (int i = 0; i < list->cnt; ++i) ends[{list->elems[i].topic, list->elems[i].partition}] = list->elems[i].offset;
  return ends;
}

int64_t NowMillis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool AskedToStop() {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return poll(&input, 1, 0) > 0;
}

}  // namespace probe
