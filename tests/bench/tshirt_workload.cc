#include "tshirt_workload.h"

#include <chrono>
#include <memory>
#include <string>

#include "millrace/operators/protobuf_serde.h"
#include "tshirt.pb.h"

namespace millrace::bench {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using tshirt::v1::Delivery;
using tshirt::v1::Order;
using tshirt::v1::Registration;
using tshirt::v1::TShirtFact;
// Order and delivery together, in the fields of the peer's DeliveredOrder.
using DeliveredOrder = tshirt::v1::OrderState;

constexpr int64_t kDayMs = 86'400'000;

struct Candidate {
  DeliveredOrder delivered;
  Registration registration;
};

int64_t Millis(const google::protobuf::Timestamp& t) { return t.seconds() * 1000 + t.nanos() / 1'000'000; }

bool Qualifies(const Candidate& c) {
  const Order& order = c.delivered.order();
  return order.category() == "t-shirt" && Millis(order.ordered_at()) - Millis(c.registration.registered_at()) >= 3 * kDayMs;
}

TShirtFact Fact(const Candidate& c) {
  const Order& order = c.delivered.order();
  TShirtFact fact;
  fact.set_user_id(order.user_id());
  fact.set_order_id(order.order_id());
  *fact.mutable_registered_at() = c.registration.registered_at();
  *fact.mutable_ordered_at() = order.ordered_at();
  *fact.mutable_delivered_at() = c.delivered.delivery().delivered_at();
  fact.set_days_after_signup(
      static_cast<int32_t>((Millis(order.ordered_at()) - Millis(c.registration.registered_at())) / kDayMs));
  fact.set_country(c.registration.country());
  fact.set_sku(order.sku());
  fact.set_price_cents(order.price_cents());
  return fact;
}

class FirstPerKey final : public Processor<std::string, TShirtFact> {
 public:
  void Init(ProcessorContext<std::string, TShirtFact>& context) override {
    Processor::Init(context);
    first_ = context.GetStateStore<KeyValueStore<std::string, int64_t>>("first");
  }
  void Process(const Record<std::string, TShirtFact>& record) override {
    if (first_->PutIfAbsent(*record.key, record.value->order_id()) == nullptr) context().Forward(record);
  }

 private:
  KeyValueStore<std::string, int64_t>* first_ = nullptr;
};

}  // namespace

void TshirtFacts(StreamsBuilder& builder, const Workload& w) {
  StoreOptions first;
  first.name = "first";
  builder.AddStateStore(KeyValueStoreBuilder<std::string, int64_t>(first));
  auto registrations = builder.Table<std::string, Registration>(w.inputs[0], Materialized::As("registrations"));
  auto orders = builder.Stream<std::string, Order>(w.inputs[1]);
  auto deliveries = builder.Stream<std::string, Delivery>(w.inputs[2]);
  orders
      .Join(
          deliveries,
          [](const Order& order, const Delivery& delivery) {
            DeliveredOrder delivered;
            *delivered.mutable_order() = order;
            *delivered.mutable_delivery() = delivery;
            return delivered;
          },
          JoinWindows::OfTimeDifferenceAndGrace(hours(7 * 24), hours(24)).Before(milliseconds(0)),
          StreamJoined::As("delivered").WithName("delivered"))
      .SelectKey([](const DeliveredOrder& delivered) { return std::to_string(delivered.order().user_id()); })
      .Repartition(Repartitioned::As("by-user"))
      .Join(registrations,
            [](const DeliveredOrder& delivered, const Registration& registration) {
              return Candidate{delivered, registration};
            })
      .Filter([](const Candidate& candidate) { return Qualifies(candidate); })
      .MapValues([](const Candidate& candidate) { return Fact(candidate); })
      .Process([] { return std::make_unique<FirstPerKey>(); }, {"first"})
      .To(w.output);
}

}  // namespace millrace::bench
