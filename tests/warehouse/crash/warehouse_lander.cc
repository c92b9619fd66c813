// Lands all partitions of one topic without a group, so that two of these contend for all of them; for the crash loop.
//   warehouse_lander land SERVERS TOPIC COMMIT_BYTES NAME=VALUE...   until SIGKILL, or SIGTERM; says "landing" on stdout when it
//   reads
//   warehouse_lander fill SERVERS TOPIC PARTITIONS RECORDS [KEYS]   payments, one after the other; with so many keys, of which
//   every seventh record deletes one
// Values are settings of the warehouse and of the table ("table.NAME").

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/host.h"
#include "landing/landing_worker.h"
#include "landing/message_descriptors.h"
#include "landing/warehouse_module.h"
#include "log/kafka/kafka_log.h"
#include "tshirt.pb.h"

namespace millrace {
namespace {

constexpr char kMessage[] = "millrace.tshirt.v1.Payment";
std::atomic<bool> stopped = false;

std::unique_ptr<log::LogClient> Connect(const std::string& servers) {
  log::kafka::KafkaLogOptions options;
  options.common["bootstrap.servers"] = servers;
  return log::kafka::MakeKafkaLogClient(options).value();
}

int Fill(const std::string& servers, const std::string& topic, int partitions, int64_t records, int64_t keys) {
  auto client = Connect(servers);
  const absl::Status created = client->admin().CreateTopic({topic, partitions, 1, {}});
  if (!created.ok() && !absl::IsAlreadyExists(created)) return 1;
  auto producer = client->NewProducer().value();
  const int64_t now_ms = Host::Real().Now().millis();
  for (int64_t i = 0; i < records; ++i) {
    tshirt::v1::Payment payment;
    payment.set_payment_id(i);
    payment.set_order_id(i / 2);
    payment.set_amount_cents(i % 10000);
    payment.set_currency(i % 3 == 0 ? "EUR" : "NOK");
    payment.mutable_paid_at()->set_seconds(now_ms / 1000);
    const std::string key = std::to_string(keys > 0 ? i * 7919 % keys : i);
    const bool deletes = keys > 0 && i % 7 == 0;
    const std::string value = payment.SerializeAsString();
    if (!producer
             ->Send(topic, std::nullopt, BytesView(key), deletes ? NullableBytesView() : NullableBytesView(BytesView(value)),
                    Timestamp::FromMillis(now_ms), Headers::Empty(), nullptr)
             .ok()) {
      return 1;
    }
  }
  while (producer->outstanding() > 0) {
    if (!producer->Flush(std::chrono::seconds(1)).ok() || !producer->Poll().ok()) return 1;
  }
  return 0;
}

int Land(const std::string& servers, const std::string& topic, int64_t commit_bytes,
         const std::map<std::string, std::string>& settings) {
  auto client = Connect(servers);
  warehouse::LandingDescription table;
  std::map<std::string, std::string> of_warehouse;
  for (const auto& [name, value] : settings) {
    (name.starts_with("table.") ? table.settings[name.substr(6)] : of_warehouse[name]) = value;
  }
  auto opened = OpenWarehouse(of_warehouse);
  if (!opened.ok()) return fprintf(stderr, "%s\n", opened.status().ToString().c_str()), 1;
  table.application_id = "crash";
  table.topic = topic;
  table.name_space = "crash";
  table.table = "payments";
  table.descriptor_set = MessageDescriptors().Find(kMessage).value();
  table.message = kMessage;
  LandingContext context;
  context.host = &Host::Real();
  context.client = client.get();
  context.warehouse = opened->get();
  context.commit_interval = std::chrono::milliseconds(20);
  context.drain_records = 100;
  context.commit_bytes = commit_bytes;
  context.max_partitions = 16;
  context.table_goes_on = [] {};
  context.table_failed = [](const absl::Status& status) {
    fprintf(stderr, "%s\n", status.ToString().c_str());
    _exit(1);
  };
  LandingWorker worker(0, &context, {table});
  if (!worker.Start().ok()) return 1;
  std::vector<log::TopicPartition> partitions;
  const int32_t count = client->admin().PartitionCount(topic).value().value();
  for (int32_t p = 0; p < count; ++p) partitions.push_back({topic, p});
  worker.Take(partitions);
  while (!stopped && worker.progress().front().positions.empty()) Host::Real().Sleep(std::chrono::milliseconds(1));
  printf("landing\n");
  fflush(stdout);
  while (!stopped) Host::Real().Sleep(std::chrono::milliseconds(10));
  worker.Stop();
  const LandingProgress progress = worker.progress().front();
  printf("%lld commits, %lld lost, %lld retries, %lld compactions, %lld snapshots forgotten, %lld files deleted, %lld errors\n",
         static_cast<long long>(progress.commits), static_cast<long long>(progress.lost_commits),
         static_cast<long long>(progress.retries), static_cast<long long>(progress.counts.compactions),
         static_cast<long long>(progress.counts.snapshots_expired), static_cast<long long>(progress.counts.files_deleted),
         static_cast<long long>(progress.counts.upkeep_errors));
  return 0;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if ((arguments.size() == 5 || arguments.size() == 6) && arguments[0] == "fill") {
    return millrace::Fill(arguments[1], arguments[2], std::stoi(arguments[3]), std::stoll(arguments[4]),
                          arguments.size() == 6 ? std::stoll(arguments[5]) : 0);
  }
  if (arguments.size() < 4 || arguments[0] != "land") return 2;
  (void)signal(SIGTERM, [](int) { millrace::stopped = true; });
  std::map<std::string, std::string> settings;
  for (size_t i = 4; i < arguments.size(); ++i) {
    const size_t equals = arguments[i].find('=');
    if (equals == std::string::npos) return 2;
    settings[arguments[i].substr(0, equals)] = arguments[i].substr(equals + 1);
  }
  return millrace::Land(arguments[1], arguments[2], std::stoll(arguments[3]), settings);
}
