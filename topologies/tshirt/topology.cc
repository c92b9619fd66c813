#include "topology.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "generator.h"
#include "millrace/operators/protobuf_serde.h"
#include "millrace/topologies/millrace_dsl.h"
#include "order_book.h"
#include "rules.h"

namespace millrace::tshirt {
namespace {

template <class V>
KStream<StringKey, V> Read(StreamsBuilder* builder, EventKind kind) {
  return builder->Stream<StringKey, V>(std::string(InputTopic(kind)), Consumed<StringKey, V>::As(std::string(InputTopic(kind))));
}

/// A topic whose records have a day of the shop's.
WarehouseTable WithDay(WarehouseTable table, const std::string& from, const absl::TimeZone& zone) {
  return table.With("columns.date.date.from", from).With("time.zone", zone.name());
}

WarehouseTable WithMoney(WarehouseTable table, const std::string& field, const std::string& column) {
  return table.With(absl::StrCat("columns.", field, ".decimal"), "18,2").With(absl::StrCat("columns.", field, ".name"), column);
}

/// A topic that is a table by its key: a row is the last word, and null deletes it.
WarehouseTable LatestOfEach() { return WarehouseTable().With("mode", "upsert").With("columns._key", "string"); }

template <class V>
void AddStore(StreamsBuilder* builder, const char* name) {
  StoreOptions options;
  options.name = name;
  builder->AddStateStore(KeyValueStoreBuilder<StringKey, V>(options));
}

/// The newest share of each partition.
DayTotal Fold(const PartialTotal& share, DayTotal total) {
  for (PartialTotal& known : *total.mutable_partials()) {
    if (known.partition() != share.partition()) continue;
    known = share;
    return total;
  }
  *total.add_partials() = share;
  return total;
}

KStream<StringKey, DayTotal> TotalByDay(const KStream<StringKey, PartialTotal>& shares, const std::string& name) {
  return shares.GroupByKey(Grouped::As(name)).Aggregate([] { return DayTotal(); }, Fold, Materialized::As(name)).ToStream();
}

std::optional<DailyCount> ToDailyCount(const std::string& date, const DayTotal& total) {
  int64_t count = 0;
  for (const PartialTotal& share : total.partials()) count += share.count();
  if (count == 0) return std::nullopt;
  return MakeDailyCount(date, count);
}

std::optional<DailySales> ToDailySales(const std::string& key, const DayTotal& total) {
  int64_t payments = 0;
  int64_t amount_cents = 0;
  for (const PartialTotal& share : total.partials()) {
    payments += share.count();
    amount_cents += share.amount_cents();
  }
  if (payments == 0) return std::nullopt;
  return MakeDailySales(key, payments, amount_cents);
}

/// Matched-after-all becomes a tombstone.
template <class Event>
void WriteUnmatched(const KStream<StringKey, Event>& events) {
  events.Filter([](const Event& e) { return e.has_unmatched() || e.has_matched_after_all(); })
      .MapValues([](const Event& e) { return e.has_unmatched() ? std::optional<Unmatched>(e.unmatched()) : std::nullopt; })
      .To(std::string(kUnmatched));
}

KStream<StringKey, OrderEvent> MatchDeliveries(StreamsBuilder* builder, const absl::TimeZone& zone) {
  AddStore<OrderState>(builder, kOrdersStore);
  AddStore<WaitingDeliveries>(builder, kWaitingDeliveriesStore);
  AddStore<PartialTotal>(builder, kDeliveredDaysStore);
  const std::vector<std::string> stores = {kOrdersStore, kWaitingDeliveriesStore, kDeliveredDaysStore};
  const auto place = [zone] { return std::make_unique<OrderProcessor>(zone); };
  const auto deliver = [zone] { return std::make_unique<DeliveryProcessor>(zone); };
  return Read<Order>(builder, EventKind::kOrder)
      .Process(place, Named::As("place-orders"), stores)
      .Merge(Read<Delivery>(builder, EventKind::kDelivery).Process(deliver, Named::As("match-deliveries"), stores));
}

KStream<StringKey, BuyerEvent> FindBuyers(StreamsBuilder* builder, const KStream<StringKey, OrderEvent>& orders,
                                          const KStream<StringKey, Registration>& registrations) {
  AddStore<WaitingPurchases>(builder, kWaitingPurchasesStore);
  AddStore<TShirtFact>(builder, kFirstFactsStore);
  const std::vector<std::string> stores = {kWaitingPurchasesStore, kFirstFactsStore};
  const auto table = registrations.ToTable(Named::As("registered"), Materialized::As("registrations"));
  const auto known = [](const Purchase& purchase, const Registration* registration) {
    KnownPurchase both;
    *both.mutable_purchase() = purchase;
    if (registration != nullptr) *both.mutable_registration() = *registration;
    return both;
  };
  return orders.Filter([](const OrderEvent& e) { return e.has_purchase(); })
      .MapValues([](const OrderEvent& e) { return e.purchase(); })
      .Repartition(Repartitioned::As("purchases-by-user"))
      .LeftJoin(table, known, Joined::As("find-registration"))
      .Process([] { return std::make_unique<PurchaseProcessor>(); }, Named::As("find-buyers"), stores)
      .Merge(table.ToStream().Process([] { return std::make_unique<RegistrationProcessor>(); }, Named::As("late-registrations"),
                                      stores));
}

void WriteOrders(const KStream<StringKey, OrderEvent>& orders) {
  orders.Filter([](const OrderEvent& e) { return e.has_pending() || e.has_delivered(); })
      .MapValues([](const OrderEvent& e) { return e.has_pending() ? std::optional<PendingDelivery>(e.pending()) : std::nullopt; })
      .ToWarehouse(std::string(kPending), LatestOfEach());
  WriteUnmatched(orders);
  const auto shares =
      orders.Filter([](const OrderEvent& e) { return e.has_day(); }).MapValues([](const OrderEvent& e) { return e.day(); });
  TotalByDay(shares, "deliveries-by-day").MapValues(ToDailyCount).ToWarehouse(std::string(kDailyDeliveries), LatestOfEach());
}

void WriteBuyers(const KStream<StringKey, BuyerEvent>& buyers) {
  buyers.Filter([](const BuyerEvent& e) { return e.has_fact(); })
      .MapValues([](const BuyerEvent& e) { return e.fact(); })
      .ToWarehouse(std::string(kFacts), WithMoney(LatestOfEach(), "price_cents", "price"));
  buyers.Filter([](const BuyerEvent& e) { return e.has_first_fact(); })
      .MapValues([](const BuyerEvent& e) { return e.first_fact(); })
      .ToWarehouse(std::string(kBuyers), WithMoney(LatestOfEach(), "price_cents", "price"));
  WriteUnmatched(buyers);
}

/// What others write, and what is written in two places.
void LandTopics(StreamsBuilder* builder, const absl::TimeZone& zone) {
  builder->LandTopic<Registration>("registrations", WithDay({}, "registered_at", zone));
  builder->LandTopic<Order>("orders", WithMoney(WithDay({}, "ordered_at", zone), "price_cents", "price"));
  builder->LandTopic<Delivery>("deliveries", WithDay({}, "delivered_at", zone));
  builder->LandTopic<Payment>("payments", WithMoney(WithDay({}, "paid_at", zone), "amount_cents", "amount"));
  // Written by two branches.
  builder->LandTopic<Unmatched>(std::string(kUnmatched), LatestOfEach());
}

DayEntry RegistrationDay(const Registration& registration, const absl::TimeZone& zone) {
  return {DateOf(Millis(registration.registered_at()), zone), 1, 0};
}

DayEntry SalesDay(const Payment& payment, const absl::TimeZone& zone) {
  return {SalesKey(DateOf(Millis(payment.paid_at()), zone), payment.currency()), 1, payment.amount_cents()};
}

}  // namespace

absl::StatusOr<Topology> TShirtTopology(const TopologyConfig& config, const TShirtOptions& options) {
  const absl::TimeZone zone = options.zone;
  StreamsBuilder builder(config);
  LandTopics(&builder, zone);
  const auto registrations = Read<Registration>(&builder, EventKind::kRegistration);
  const auto orders = MatchDeliveries(&builder, zone);
  WriteOrders(orders);
  WriteBuyers(FindBuyers(&builder, orders, registrations));

  AddStore<PartialTotal>(&builder, kRegisteredDaysStore);
  const auto registered = [zone] {
    return std::make_unique<DayProcessor<Registration>>(kRegisteredDaysStore, RegistrationDay, zone);
  };
  TotalByDay(registrations.Process(registered, Named::As("count-registrations"), {kRegisteredDaysStore}), "registrations-by-day")
      .MapValues(ToDailyCount)
      .ToWarehouse(std::string(kDailyRegistrations), LatestOfEach());

  AddStore<PartialTotal>(&builder, kSoldDaysStore);
  const auto sold = [zone] { return std::make_unique<DayProcessor<Payment>>(kSoldDaysStore, SalesDay, zone); };
  TotalByDay(Read<Payment>(&builder, EventKind::kPayment).Process(sold, Named::As("count-payments"), {kSoldDaysStore}),
             "sales-by-day")
      .MapValues(ToDailySales)
      .ToWarehouse(std::string(kDailySales), WithMoney(LatestOfEach(), "amount_cents", "amount"));
  return builder.Build();
}

}  // namespace millrace::tshirt
