// The program of debezium.py: reads the table orders of a PostgreSQL from the topic that Debezium writes. Commands besides
// Millrace's own:
//   create TOPIC         with two partitions
//   dump TOPIC MESSAGE   a line of JSON for each record: {"key":...,"value":...}; MESSAGE: Order, PaidOrder, or raw for text

#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "debezium_rows.pb.h"
#include "millrace/millrace.h"
#include "millrace/operators/debezium_serde.h"
#include "millrace/operators/processor.h"
#include "millrace/runtime/topic_io.h"

namespace millrace {
namespace {

using test::Order;
using test::PaidOrder;

constexpr char kPaidStore[] = "paid-once";

/// Forwards each order the first time that it is seen as paid: a change that Debezium writes again, or one that is made later,
/// adds nothing.
class PaidOnce final : public Processor<int64_t, Order, std::string, PaidOrder> {
 public:
  void Init(ProcessorContext<std::string, PaidOrder>& context) override {
    Processor::Init(context);
    paid_ = context.GetStateStore<KeyValueStore<int64_t, PaidOrder>>(kPaidStore);
  }
  void Process(const Record<int64_t, Order>& record) override {
    if (record.value == nullptr || record.value->status() != test::ORDER_STATUS_PAID || paid_->Get(*record.key) != nullptr)
      return;
    PaidOrder paid;
    paid.set_order_id(record.value->id());
    paid.set_customer(record.value->customer());
    paid.set_amount_cents(record.value->amount_cents());
    *paid.mutable_ordered_at() = record.value->ordered_at();
    if (record.value->has_deliver_on()) *paid.mutable_deliver_on() = record.value->deliver_on();
    paid_->Put(*record.key, paid);
    const std::string key = std::to_string(*record.key);
    context().Forward({&key, &paid, record.timestamp, record.headers});
  }

 private:
  KeyValueStore<int64_t, PaidOrder>* paid_ = nullptr;
};

absl::StatusOr<Topology> ReadOrders(const StreamsConfig& config) {
  DebeziumOptions columns;
  columns.columns["amount"].field = "amount_cents";
  columns.columns["amount"].scale = 2;
  StreamsBuilder builder(config);
  StoreOptions paid;
  paid.name = kPaidStore;
  builder.AddStateStore(KeyValueStoreBuilder<int64_t, PaidOrder>(paid));
  const auto orders = builder.Table<int64_t, Order>(
      "shop.public.orders", Consumed<int64_t, Order>::With(DebeziumKeySerde<int64_t>("id"), DebeziumSerde<Order>(columns)),
      Materialized::As("orders"));
  orders.ToStream().SelectKey([](const int64_t& id, const Order*) { return std::to_string(id); }).To("order-rows");
  orders.ToStream().Process([] { return std::make_unique<PaidOnce>(); }, Named::As("find-paid"), {kPaidStore}).To("paid-orders");
  return builder.Build();
}

std::string JsonOf(const std::string& message, BytesView bytes) {
  if (message == "raw") return std::string(bytes);
  Order order;
  PaidOrder paid;
  google::protobuf::Message* parsed = message == "Order" ? static_cast<google::protobuf::Message*>(&order) : &paid;
  std::string json;
  if (!parsed->ParseFromString(std::string(bytes)) || !google::protobuf::util::MessageToJsonString(*parsed, &json).ok()) {
    return "\"damaged\"";
  }
  return json;
}

absl::StatusOr<int> Create(const StreamsConfig& config, const std::string& topic) {
  absl::StatusOr<std::unique_ptr<TopicClient>> client = TopicClient::Connect(config);
  if (!client.ok()) return client.status();
  if (absl::Status status = (*client)->CreateTopic(topic, 2); !status.ok()) return status;
  return 0;
}

absl::StatusOr<int> Dump(const StreamsConfig& config, const std::string& topic, const std::string& message) {
  absl::StatusOr<std::unique_ptr<TopicClient>> client = TopicClient::Connect(config);
  if (!client.ok()) return client.status();
  absl::StatusOr<std::unique_ptr<TopicReader>> reader = (*client)->NewReader({topic});
  if (!reader.ok()) return reader.status();
  const absl::Status status = (*reader)->ReadToEnd(std::chrono::seconds(30), [&message](const TopicRecord& record) {
    const std::string key = nlohmann::json(std::string(record.key.value_or(""))).dump();
    printf("{\"key\":%s,\"value\":%s}\n", key.c_str(), record.value ? JsonOf(message, *record.value).c_str() : "null");
  });
  if (!status.ok()) return status;
  return 0;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  std::string topic;
  std::string message;
  millrace::Application application("debezium-orders", millrace::ReadOrders);
  application.Add({.name = "create",
                   .description = "Creates a topic",
                   .declare = [&](millrace::CommandOptions& options) { options.Add("topic", &topic, "Which", true); },
                   .run = [&](const millrace::StreamsConfig& config) { return millrace::Create(config, topic); },
                   .takes_configuration = true});
  application.Add({.name = "dump",
                   .description = "Prints a topic as JSON",
                   .declare =
                       [&](millrace::CommandOptions& options) {
                         options.Add("topic", &topic, "Which", true);
                         options.Add("message", &message, "What its values are", true);
                       },
                   .run = [&](const millrace::StreamsConfig& config) { return millrace::Dump(config, topic, message); },
                   .takes_configuration = true});
  return application.Run(argc, argv);
}
