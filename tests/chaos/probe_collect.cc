#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "printed_text.h"
#include "probe_client.h"

// The independent reader: what a consumer of committed records sees, when, until the end that a reader of everything sees.

namespace probe {
namespace {

constexpr int64_t kEndWaitMs = 30000;

using Partition = std::pair<std::string, int>;

std::string Text(const void* data, size_t size) {
  return data == nullptr ? "%null" : PrintedText({static_cast<const char*>(data), size});
}

/// What the header "chaos-transaction" says (named_transactions.h); - without it.
std::string Transaction(const rd_kafka_message_t* message) {
  rd_kafka_headers_t* headers = nullptr;
  const void* name = nullptr;
  size_t size = 0;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_header_get_last(headers, "chaos-transaction", &name, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return "-";
  }
  return Text(name, size);
}

}  // namespace

// One line for each record: when it was read (ms), topic, partition, offset, timestamp, key, value, transaction. After the end
// was asked for, goes on until every partition is read to its high watermark; partitions where that does not come are named, exit
// code 3.
int Collect(const Arguments& arguments) {
  FILE* out = fopen(arguments.out.c_str(), "w");
  if (out == nullptr) Die("cannot write " + arguments.out);
  const Settings common = {{"group.id", "chaos-probe"}, {"enable.auto.commit", "false"}, {"check.crcs", "true"}};
  Settings committed = common;
  committed.insert({{"isolation.level", "read_committed"}, {"enable.partition.eof", "true"}, {"fetch.wait.max.ms", "100"}});
  Settings everything = common;
  everything["isolation.level"] = "read_uncommitted";
  const Client reader = MakeClient(RD_KAFKA_CONSUMER, arguments.servers, committed);
  const Client observer = MakeClient(RD_KAFKA_CONSUMER, arguments.servers, everything);
  rd_kafka_poll_set_consumer(reader.get());
  const Partitions assignment(rd_kafka_topic_partition_list_new(1), &rd_kafka_topic_partition_list_destroy);
  for (const auto& [partition, end] : Ends(observer.get(), arguments.topics)) {
    rd_kafka_topic_partition_list_add(assignment.get(), partition.first.c_str(), partition.second)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  if (rd_kafka_assign(reader.get(), assignment.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) Die("assign");

  std::map<Partition, int64_t> seen;
  std::map<Partition, int64_t> wanted;
  int64_t deadline = 0;
  while (true) {
    if (deadline == 0 && AskedToStop()) {
      deadline = NowMillis() + kEndWaitMs;
      wanted = Ends(observer.get(), arguments.topics);
    }
    if (deadline > 0) {
      std::erase_if(wanted, [&](const auto& end) { return end.second == 0 || seen[end.first] >= end.second; });
      if (wanted.empty() || NowMillis() > deadline) break;
    }
    rd_kafka_message_t* message = rd_kafka_consumer_poll(reader.get(), 100);
    if (message == nullptr) continue;
    const bool has_topic = message->rkt != nullptr;
    const Partition partition = {has_topic ? rd_kafka_topic_name(message->rkt) : "", message->partition};
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      seen[partition] = std::max(seen[partition], message->offset);
    } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      seen[partition] = message->offset + 1;
      fprintf(out, "%ld %s %d %ld %ld %s %s %s\n", NowMillis(), partition.first.c_str(), partition.second, message->offset,
              rd_kafka_message_timestamp(message, nullptr), Text(message->key, message->key_len).c_str(),
              Text(message->payload, message->len).c_str(), Transaction(message).c_str());
    } else if (message->err == RD_KAFKA_RESP_ERR__BAD_MSG || message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
      Die("read " + partition.first + ": " + rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
  }
  if (fclose(out) != 0) Die("cannot write " + arguments.out);
  for (const auto& [partition, end] : wanted) {
    printf("%s %d read committed to %ld of %ld\n", partition.first.c_str(), partition.second, seen[partition], end);
  }
  return wanted.empty() ? 0 : 3;
}

}  // namespace probe
