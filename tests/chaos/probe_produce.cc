#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <thread>

#include "probe_client.h"

// The source of the workload, and the ledger of what became of each record.

namespace probe {
namespace {

struct Sent {
  int64_t id = 0;
  int64_t amount = 0;
  std::string key;
};

// One line for each record: id, key, amount, partition, offset, timestamp, ok | failed | unknown.
void Report(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
  const std::unique_ptr<Sent> sent(static_cast<Sent*>(message->_private));
  // A record that the broker calls a repeated one has no offset; whether it is there, its topic tells.
  const char* outcome = message->offset >= 0 ? "ok" : "unknown";
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    outcome = rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED ? "failed" : "unknown";
  }
  fprintf(static_cast<FILE*>(opaque), "%ld %s %ld %d %ld %ld %s\n", sent->id, sent->key.c_str(), sent->amount, message->partition,
          message->offset, rd_kafka_message_timestamp(message, nullptr), outcome);
}

void Send(rd_kafka_t* client, const std::string& topic, std::unique_ptr<Sent> sent) {
  std::string value = std::to_string(sent->id);
  value.append(" ").append(std::to_string(sent->amount));
  while (true) {
    const rd_kafka_resp_err_t error =
        rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_KEY(sent->key.data(), sent->key.size()),
                          RD_KAFKA_V_VALUE(value.data(), value.size()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_TIMESTAMP(NowMillis()), RD_KAFKA_V_OPAQUE(sent.get()), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) Die("send to " + topic + ": " + rd_kafka_err2str(error));
    rd_kafka_poll(client, 100);
  }
  (void)sent.release();
}

/// The workload's producer: its reports go to the ledger.
class Source {
 public:
  explicit Source(const Arguments& arguments)
      : path_(arguments.out),
        ledger_(fopen(path_.c_str(), "a")),
        client_(ledger_ == nullptr ? Client(nullptr, &rd_kafka_destroy)
                                   : MakeClient(RD_KAFKA_PRODUCER, arguments.servers,
                                                {{"enable.idempotence", "true"},
                                                 {"linger.ms", "2"},
                                                 {"partitioner", "murmur2_random"},
                                                 {"message.timeout.ms", "300000"}},
                                                Report, ledger_)) {
    if (ledger_ == nullptr) Die("cannot write " + path_);
  }
  rd_kafka_t* client() const { return client_.get(); }
  /// A report comes for each record, at the latest after message.timeout.ms.
  void Finish() {
    while (rd_kafka_outq_len(client_.get()) > 0) (void)rd_kafka_flush(client_.get(), 1000);
    if (fflush(ledger_) != 0 || fsync(fileno(ledger_)) != 0 || fclose(ledger_) != 0) Die("cannot write " + path_);
  }

 private:
  const std::string path_;
  FILE* const ledger_;
  const Client client_;
};

}  // namespace

int SendOne(const Arguments& arguments) {
  Source source(arguments);
  Send(source.client(), arguments.topics[0], std::make_unique<Sent>(Sent{arguments.first_id, arguments.amount, arguments.key}));
  source.Finish();
  return 0;
}

int Produce(const Arguments& arguments) {
  Source source(arguments);
  std::mt19937_64 random(arguments.seed);
  const auto begin = std::chrono::steady_clock::now();
  int64_t id = arguments.first_id;
  while (!AskedToStop()) {
    auto sent = std::make_unique<Sent>();
    sent->id = id;
    sent->amount = static_cast<int64_t>(random() % 1000);
    // New keys come all the time.
    sent->key = std::to_string(random() % (arguments.keys + id / 25)).insert(0, 1, 'k');
    Send(source.client(), arguments.topics[0], std::move(sent));
    ++id;
    rd_kafka_poll(source.client(), 0);
    std::this_thread::sleep_until(begin + std::chrono::duration<double>((id - arguments.first_id) / arguments.rate));
  }
  source.Finish();
  printf("%ld\n", id);
  return 0;
}

}  // namespace probe
