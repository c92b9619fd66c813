#include "application.h"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "millrace/operators/processor.h"
#include "millrace/state/key_value_store.h"
#include "millrace/state/serdes.h"
#include "millrace/state/stores.h"
#include "millrace/topologies/streams_builder.h"

namespace millrace::simulation {
namespace {

using namespace std::chrono_literals;

constexpr char kTimers[] = "timers";
constexpr std::chrono::milliseconds kDelay = 2s;

/// Keeps each order and forwards it once, some seconds of wall-clock time later.
class Timer final : public Processor<std::string, std::string> {
 public:
  void Init(ProcessorContext<std::string, std::string>& context) override {
    Processor::Init(context);
    pending_ = context.GetStateStore<KeyValueStore<std::string, int64_t>>(kTimers);
    context.Schedule(500ms, PunctuationType::kWallClockTime, [this](Timestamp now) { Fire(now); });
  }
  void Process(const Record<std::string, std::string>& record) override {
    pending_->Put(*record.key, (context().current_system_time() + kDelay).millis());
  }

 private:
  void Fire(Timestamp now) {
    std::vector<std::string> due;
    for (auto all = pending_->All(); all->Valid(); all->Next()) {
      if (all->value() <= now.millis()) due.push_back(all->key());
    }
    for (const std::string& order : due) {
      const std::string value = "due";
      context().Forward({&order, &value, now, &Headers::Empty()});
      pending_->Delete(order);
    }
  }

  KeyValueStore<std::string, int64_t>* pending_ = nullptr;
};

}  // namespace

RefusedBy RefusedOf(std::string_view order) {
  int number = 0;
  if (order.empty() || !absl::SimpleAtoi(std::string(order.substr(1)), &number)) return RefusedBy::kNobody;
  if (number % 11 == 3) return RefusedBy::kClient;
  if (number % 11 == 5) return RefusedBy::kPartition;
  return number % 11 == 8 ? RefusedBy::kBroker : RefusedBy::kNobody;
}

ExceptionHandlers RefusalHandlers() {
  ExceptionHandlers handlers;
  handlers.production = [](const ErrorHandlerContext&, const UnwritableRecord& record) {
    if (record.retriable) return ErrorHandlerResponse::Retry();
    if (record.topic != kEcho || !record.key || RefusedOf(*record.key) == RefusedBy::kNobody) return ErrorHandlerResponse::Fail();
    DeadLetter letter;
    letter.topic = kLetters;
    letter.key.emplace(*record.key);
    if (record.value) letter.value.emplace(*record.value);
    letter.timestamp = record.timestamp;
    return ErrorHandlerResponse::Continue({std::move(letter)});
  };
  return handlers;
}

Topology MakeTopology(const StreamsConfig& config) {
  StreamsBuilder builder(config);
  const auto orders = builder.Stream<std::string, std::string>(kOrders);
  const auto payments = builder.Stream<std::string, std::string>(kPayments);
  const auto customers = builder.Table<std::string, std::string>(kCustomers, Materialized::As("customer-rows"));
  orders.MapValues([](const std::string& customer) { return absl::StrCat("of ", customer); }).To(kEcho);
  orders
      .Join(
          payments, [](const std::string& customer, const std::string& payment) { return absl::StrCat(customer, "/", payment); },
          JoinWindows::OfTimeDifferenceAndGrace(1h, 1h), StreamJoined::As("order-payment"))
      .To(kPaid);
  StoreOptions timers;
  timers.name = kTimers;
  builder.AddStateStore(KeyValueStoreBuilder<std::string, int64_t>(timers));
  orders.Process(ProcessorSupplier<std::string, std::string>([] { return std::make_unique<Timer>(); }), {kTimers}).To(kTimed);
  const auto by_customer =
      orders.Map([](const std::string& order, const std::string& customer) { return std::pair(customer, order); })
          .Repartition(Repartitioned::As("by-customer"));
  by_customer.GroupByKey()
      .Aggregate(
          [] { return std::string(); },
          [](const std::string& order, const std::string& list) { return list.empty() ? order : absl::StrCat(list, ",", order); },
          Materialized::As("order-lists"))
      .ToStream()
      .To(kLists);
  by_customer
      .LeftJoin(customers, [](const std::string& order,
                              const std::string* row) { return absl::StrCat(order, "@", row == nullptr ? "-" : *row); })
      .To(kEnriched);
  return builder.Build().value();
}

}  // namespace millrace::simulation
