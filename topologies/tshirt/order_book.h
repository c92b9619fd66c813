#ifndef MILLRACE_TOPOLOGIES_TSHIRT_ORDER_BOOK_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_ORDER_BOOK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "messages.h"
#include "millrace/operators/processor.h"
#include "millrace/state/key_value_store.h"

// Processors of the shop that need stores of their own.

namespace millrace::tshirt {

using StringKey = std::string;

inline constexpr const char* kOrdersStore = "orders";
inline constexpr const char* kWaitingDeliveriesStore = "waiting-deliveries";
inline constexpr const char* kDeliveredDaysStore = "delivered-days";
inline constexpr const char* kSoldDaysStore = "sold-days";
inline constexpr const char* kRegisteredDaysStore = "registered-days";
inline constexpr const char* kWaitingPurchasesStore = "waiting-purchases";
inline constexpr const char* kFirstFactsStore = "first-facts";

using DayStore = KeyValueStore<StringKey, PartialTotal>;

/// Adds to this partition's share of a day, unless the record that triggers it is in it already. Returns the share.
PartialTotal AddToDay(DayStore* store, const std::string& key, int32_t partition, const Trigger& trigger, int64_t count,
                      int64_t amount_cents);

/// Brings orders and deliveries together, whichever comes first. Both sides work on the same stores: those of one task, since
/// both topics are keyed by order_id.
class OrderBook {
 public:
  using Context = ProcessorContext<StringKey, OrderEvent>;
  explicit OrderBook(absl::TimeZone zone) : zone_(zone) {}
  void Init(Context& context);
  void Place(const StringKey& key, const Order& order, Timestamp time);
  void Deliver(const StringKey& key, const Delivery& delivery, Timestamp time);
  /// Reports deliveries whose order has been missing for long.
  void ReportOrphans();

 private:
  /// Goes through deliveries that came before their order. True if one of them matched.
  bool TakeWaiting(const StringKey& key, const OrderState& state, Timestamp time);
  void Settle(const StringKey& key, OrderState state, const Delivery& delivery, Timestamp time);
  void EmitMatch(const StringKey& key, const OrderState& state, const Delivery* replaced, Timestamp time);
  void EmitDay(int64_t millis, const Trigger& trigger, int64_t count, Timestamp time);
  void EmitMismatch(const Order& order, const Delivery& delivery, Timestamp time);
  void EmitPending(const StringKey& key, const Order& order, Timestamp time);
  void Forward(const StringKey& key, const OrderEvent& event, Timestamp time);
  [[nodiscard]] Trigger TriggerOf(bool delivery) const;

  absl::TimeZone zone_;
  Context* context_ = nullptr;
  KeyValueStore<StringKey, OrderState>* orders_ = nullptr;
  KeyValueStore<StringKey, WaitingDeliveries>* waiting_ = nullptr;
  DayStore* days_ = nullptr;
};

class OrderProcessor final : public Processor<StringKey, Order, StringKey, OrderEvent> {
 public:
  explicit OrderProcessor(absl::TimeZone zone) : book_(zone) {}
  void Init(ProcessorContext<StringKey, OrderEvent>& context) override;
  void Process(const Record<StringKey, Order>& record) override;

 private:
  OrderBook book_;
};

class DeliveryProcessor final : public Processor<StringKey, Delivery, StringKey, OrderEvent> {
 public:
  explicit DeliveryProcessor(absl::TimeZone zone) : book_(zone) {}
  void Init(ProcessorContext<StringKey, OrderEvent>& context) override;
  void Process(const Record<StringKey, Delivery>& record) override;

 private:
  OrderBook book_;
};

/// Makes facts of purchases whose buyer is known; keeps the others until the registration comes.
class Buyers {
 public:
  using Context = ProcessorContext<StringKey, BuyerEvent>;
  void Init(Context& context);
  void Buy(const StringKey& user, const Purchase& purchase, const Registration* registration, Timestamp time);
  void Register(const StringKey& user, const Registration& registration, Timestamp time);

 private:
  /// Takes an order's purchase out of those that wait; what was said of it becomes void if `delivered_ms` is another.
  void Forget(const StringKey& user, int64_t order_id, int64_t delivered_ms, Timestamp time);
  void Wait(const StringKey& user, const Purchase& purchase, Timestamp time);
  void EmitFact(const StringKey& user, const Purchase& purchase, const Registration& registration, Timestamp time);
  void EmitMatchedAfterAll(const Purchase& purchase, Timestamp time);

  Context* context_ = nullptr;
  KeyValueStore<StringKey, WaitingPurchases>* waiting_ = nullptr;
  KeyValueStore<StringKey, TShirtFact>* first_ = nullptr;
};

class PurchaseProcessor final : public Processor<StringKey, KnownPurchase, StringKey, BuyerEvent> {
 public:
  void Init(ProcessorContext<StringKey, BuyerEvent>& context) override;
  void Process(const Record<StringKey, KnownPurchase>& record) override;

 private:
  Buyers buyers_;
};

class RegistrationProcessor final : public Processor<StringKey, Registration, StringKey, BuyerEvent> {
 public:
  void Init(ProcessorContext<StringKey, BuyerEvent>& context) override;
  void Process(const Record<StringKey, Registration>& record) override;

 private:
  Buyers buyers_;
};

/// What one record adds to a day.
struct DayEntry {
  std::string key;
  int64_t count = 1;
  int64_t amount_cents = 0;
};

/// Keeps this partition's share of each day and sends it on under the day's key.
template <class V>
class DayProcessor final : public Processor<StringKey, V, StringKey, PartialTotal> {
 public:
  using EntryOf = DayEntry (*)(const V& value, const absl::TimeZone& zone);
  DayProcessor(const char* store, EntryOf entry_of, absl::TimeZone zone) : store_name_(store), entry_of_(entry_of), zone_(zone) {}

  void Init(ProcessorContext<StringKey, PartialTotal>& context) override {
    Processor<StringKey, V, StringKey, PartialTotal>::Init(context);
    store_ = context.template GetStateStore<DayStore>(store_name_);
  }
  void Process(const Record<StringKey, V>& record) override {
    if (record.value == nullptr) return;
    auto& context = this->context();
    const DayEntry entry = entry_of_(*record.value, zone_);
    Trigger trigger;
    trigger.set_offset(context.record().offset);
    const PartialTotal share = AddToDay(store_, entry.key, context.record().partition, trigger, entry.count, entry.amount_cents);
    context.Forward({&entry.key, &share, record.timestamp});
  }

 private:
  const char* store_name_;
  EntryOf entry_of_;
  absl::TimeZone zone_;
  DayStore* store_ = nullptr;
};

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_ORDER_BOOK_H_
