#include "order_book.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "generator.h"
#include "rules.h"

namespace millrace::tshirt {
namespace {

/// How often deliveries without an order are looked at (wall clock).
constexpr std::chrono::seconds kOrphanInterval{10};

bool SameTrigger(const Trigger& a, const Trigger& b) { return a.delivery() == b.delivery() && a.offset() == b.offset(); }

/// The earliest of the deliveries that match; null if none does.
const Delivery* EarliestMatch(const Order& order, const WaitingDeliveries& waiting) {
  const Delivery* earliest = nullptr;
  for (const Delivery& delivery : waiting.deliveries()) {
    const int64_t time = Millis(delivery.delivered_at());
    if (Matches(order, time) && (earliest == nullptr || time < Millis(earliest->delivered_at()))) earliest = &delivery;
  }
  return earliest;
}

}  // namespace

PartialTotal AddToDay(DayStore* store, const std::string& key, int32_t partition, const Trigger& trigger, int64_t count,
                      int64_t amount_cents) {
  PartialTotal share;
  if (const PartialTotal* known = store->Get(key); known != nullptr) share = *known;
  const int64_t next = trigger.delivery() ? share.next_delivery_offset() : share.next_offset();
  if (trigger.offset() < next) return share;
  share.set_partition(partition);
  share.set_count(share.count() + count);
  share.set_amount_cents(share.amount_cents() + amount_cents);
  if (trigger.delivery()) {
    share.set_next_delivery_offset(trigger.offset() + 1);
  } else {
    share.set_next_offset(trigger.offset() + 1);
  }
  store->Put(key, share);
  return share;
}

// ---- OrderBook ----

void OrderBook::Init(Context& context) {
  context_ = &context;
  orders_ = context.GetStateStore<KeyValueStore<StringKey, OrderState>>(kOrdersStore);
  waiting_ = context.GetStateStore<KeyValueStore<StringKey, WaitingDeliveries>>(kWaitingDeliveriesStore);
  days_ = context.GetStateStore<DayStore>(kDeliveredDaysStore);
}

Trigger OrderBook::TriggerOf(bool delivery) const {
  Trigger trigger;
  trigger.set_delivery(delivery);
  trigger.set_offset(context_->record().offset);
  return trigger;
}

void OrderBook::Place(const StringKey& key, const Order& order, Timestamp time) {
  OrderState state;
  if (const OrderState* known = orders_->Get(key); known != nullptr) {
    state = *known;
    // The order comes again, after a failure. What it led to may not have been sent: say it again.
    if (state.has_delivery() && SameTrigger(state.trigger(), TriggerOf(false))) EmitMatch(key, state, nullptr, time);
  } else {
    *state.mutable_order() = order;
    orders_->Put(key, state);
  }
  const bool matched = TakeWaiting(key, state, time);
  if (!matched && !state.has_delivery()) EmitPending(key, order, time);
}

bool OrderBook::TakeWaiting(const StringKey& key, const OrderState& state, Timestamp time) {
  const WaitingDeliveries* found = waiting_->Get(key);
  if (found == nullptr) return false;
  WaitingDeliveries waiting = *found;
  const Order& order = state.order();
  for (const Delivery& delivery : waiting.deliveries()) {
    const int64_t delivered = Millis(delivery.delivered_at());
    if (!Matches(order, delivered)) {
      EmitMismatch(order, delivery, time);
    } else if (waiting.reported()) {
      OrderEvent event;
      event.set_matched_after_all(true);
      Forward(UnmatchedKey(order.order_id(), delivered), event, time);
    }
  }
  const Delivery* match = EarliestMatch(order, waiting);
  if (match != nullptr && !state.has_delivery()) Settle(key, state, *match, time);
  if (!waiting.done()) {
    waiting.set_done(true);
    const bool matched = match != nullptr;
    waiting_->Put(key, std::move(waiting));
    return matched;
  }
  return match != nullptr;
}

void OrderBook::Deliver(const StringKey& key, const Delivery& delivery, Timestamp time) {
  const int64_t delivered = Millis(delivery.delivered_at());
  const OrderState* state = orders_->Get(key);
  if (state == nullptr) {
    WaitingDeliveries waiting;
    if (const WaitingDeliveries* known = waiting_->Get(key); known != nullptr) waiting = *known;
    for (const Delivery& other : waiting.deliveries()) {
      if (Millis(other.delivered_at()) == delivered) return;
    }
    *waiting.add_deliveries() = delivery;
    waiting.set_reported(false);
    waiting_->Put(key, std::move(waiting));
    return;
  }
  if (!Matches(state->order(), delivered)) return EmitMismatch(state->order(), delivery, time);
  if (state->has_delivery()) {
    const int64_t known = Millis(state->delivery().delivered_at());
    if (delivered == known && SameTrigger(state->trigger(), TriggerOf(true))) {
      return EmitMatch(key, OrderState(*state), nullptr, time);  // again, after a failure
    }
    if (delivered >= known) return;  // the order counts once
  }
  Settle(key, *state, delivery, time);
}

void OrderBook::Settle(const StringKey& key, OrderState state, const Delivery& delivery, Timestamp time) {
  std::optional<Delivery> replaced;
  if (state.has_delivery()) replaced = state.delivery();
  *state.mutable_delivery() = delivery;
  // A delivery that waited for its order is settled by the order's record.
  const bool by_delivery = context_->record().topic != nullptr && *context_->record().topic == InputTopic(EventKind::kDelivery);
  *state.mutable_trigger() = TriggerOf(by_delivery);
  orders_->Put(key, state);
  EmitMatch(key, state, replaced ? &*replaced : nullptr, time);
}

void OrderBook::EmitMatch(const StringKey& key, const OrderState& state, const Delivery* replaced, Timestamp time) {
  const int64_t delivered = Millis(state.delivery().delivered_at());
  OrderEvent event;
  if (replaced == nullptr) {
    EmitDay(delivered, state.trigger(), 1, time);
    event.set_delivered(true);
    Forward(key, event, time);
  } else if (DateOf(Millis(replaced->delivered_at()), zone_) != DateOf(delivered, zone_)) {
    EmitDay(Millis(replaced->delivered_at()), state.trigger(), -1, time);
    EmitDay(delivered, state.trigger(), 1, time);
  }
  Purchase* purchase = event.mutable_purchase();
  *purchase->mutable_order() = state.order();
  *purchase->mutable_delivered_at() = state.delivery().delivered_at();
  purchase->set_corrected(replaced != nullptr);
  Forward(absl::StrCat(state.order().user_id()), event, Timestamp::FromMillis(JoinMillis(*purchase)));
}

void OrderBook::EmitDay(int64_t millis, const Trigger& trigger, int64_t count, Timestamp time) {
  const std::string date = DateOf(millis, zone_);
  OrderEvent event;
  *event.mutable_day() = AddToDay(days_, date, context_->task_id().partition, trigger, count, 0);
  Forward(date, event, time);
}

void OrderBook::EmitMismatch(const Order& order, const Delivery& delivery, Timestamp time) {
  const int64_t delivered = Millis(delivery.delivered_at());
  OrderEvent event;
  *event.mutable_unmatched() = MakeUnmatched(MismatchReason(order, delivered), &order, order.order_id(), delivered);
  Forward(UnmatchedKey(order.order_id(), delivered), event, time);
}

void OrderBook::EmitPending(const StringKey& key, const Order& order, Timestamp time) {
  OrderEvent event;
  *event.mutable_pending() = MakePending(order);
  Forward(key, event, time);
}

void OrderBook::ReportOrphans() {
  const Timestamp now = context_->current_stream_time();
  std::vector<std::pair<StringKey, WaitingDeliveries>> old;
  for (auto it = waiting_->All(); it->Valid(); it->Next()) {
    const WaitingDeliveries& waiting = it->value();
    if (waiting.reported() && !waiting.done()) continue;
    const bool all_old = std::all_of(waiting.deliveries().begin(), waiting.deliveries().end(), [&](const Delivery& d) {
      return Millis(d.delivered_at()) + kOrderPatience.count() < now.millis();
    });
    if (all_old) old.emplace_back(it->key(), waiting);
  }
  for (auto& [key, waiting] : old) {
    if (waiting.done()) {
      waiting_->Delete(key);
      continue;
    }
    for (const Delivery& delivery : waiting.deliveries()) {
      const int64_t delivered = Millis(delivery.delivered_at());
      OrderEvent event;
      *event.mutable_unmatched() = MakeUnmatched(UNMATCHED_REASON_ORDER_MISSING, nullptr, delivery.order_id(), delivered);
      Forward(UnmatchedKey(delivery.order_id(), delivered), event, now);
    }
    waiting.set_reported(true);
    waiting_->Put(key, std::move(waiting));
  }
}

void OrderBook::Forward(const StringKey& key, const OrderEvent& event, Timestamp time) {
  context_->Forward({&key, &event, time});
}

void OrderProcessor::Init(ProcessorContext<StringKey, OrderEvent>& context) {
  Processor::Init(context);
  book_.Init(context);
}

void OrderProcessor::Process(const Record<StringKey, Order>& record) {
  if (record.key == nullptr || record.value == nullptr) return;
  book_.Place(*record.key, *record.value, record.timestamp);
}

void DeliveryProcessor::Init(ProcessorContext<StringKey, OrderEvent>& context) {
  Processor::Init(context);
  book_.Init(context);
  context.Schedule(kOrphanInterval, PunctuationType::kWallClockTime, [this](Timestamp) { book_.ReportOrphans(); });
}

void DeliveryProcessor::Process(const Record<StringKey, Delivery>& record) {
  if (record.key == nullptr || record.value == nullptr) return;
  book_.Deliver(*record.key, *record.value, record.timestamp);
}

// ---- Buyers ----

void Buyers::Init(Context& context) {
  context_ = &context;
  waiting_ = context.GetStateStore<KeyValueStore<StringKey, WaitingPurchases>>(kWaitingPurchasesStore);
  first_ = context.GetStateStore<KeyValueStore<StringKey, TShirtFact>>(kFirstFactsStore);
}

void Buyers::Buy(const StringKey& user, const Purchase& purchase, const Registration* registration, Timestamp time) {
  if (purchase.corrected()) Forget(user, purchase.order().order_id(), Millis(purchase.delivered_at()), time);
  if (KnownAtJoin(purchase, registration)) return EmitFact(user, purchase, *registration, time);
  Wait(user, purchase, time);
  const int64_t delivered = Millis(purchase.delivered_at());
  BuyerEvent event;
  *event.mutable_unmatched() =
      MakeUnmatched(UNMATCHED_REASON_REGISTRATION_MISSING, &purchase.order(), purchase.order().order_id(), delivered);
  const std::string key = UnmatchedKey(purchase.order().order_id(), delivered);
  context_->Forward({&key, &event, time});
}

void Buyers::Forget(const StringKey& user, int64_t order_id, int64_t delivered_ms, Timestamp time) {
  const WaitingPurchases* known = waiting_->Get(user);
  if (known == nullptr) return;
  WaitingPurchases left;
  std::vector<Purchase> gone;
  for (const Purchase& purchase : known->purchases()) {
    if (purchase.order().order_id() != order_id) {
      *left.add_purchases() = purchase;
    } else if (Millis(purchase.delivered_at()) != delivered_ms) {
      gone.push_back(purchase);
    }
  }
  if (left.purchases().empty()) {
    waiting_->Delete(user);
  } else {
    waiting_->Put(user, std::move(left));
  }
  for (const Purchase& purchase : gone) EmitMatchedAfterAll(purchase, time);
}

void Buyers::Wait(const StringKey& user, const Purchase& purchase, Timestamp) {
  WaitingPurchases waiting;
  if (const WaitingPurchases* known = waiting_->Get(user); known != nullptr) waiting = *known;
  for (const Purchase& other : waiting.purchases()) {
    if (other.order().order_id() == purchase.order().order_id()) return;  // again, after a failure
  }
  *waiting.add_purchases() = purchase;
  waiting_->Put(user, std::move(waiting));
}

void Buyers::Register(const StringKey& user, const Registration& registration, Timestamp time) {
  const WaitingPurchases* known = waiting_->Get(user);
  if (known == nullptr) return;
  WaitingPurchases left;
  std::vector<Purchase> found;
  for (const Purchase& purchase : known->purchases()) {
    if (KnownAtJoin(purchase, &registration)) {
      found.push_back(purchase);
    } else {
      *left.add_purchases() = purchase;
    }
  }
  if (found.empty()) return;
  if (left.purchases().empty()) {
    waiting_->Delete(user);
  } else {
    waiting_->Put(user, std::move(left));
  }
  for (const Purchase& purchase : found) {
    EmitMatchedAfterAll(purchase, time);
    EmitFact(user, purchase, registration, Timestamp::FromMillis(JoinMillis(purchase)));
  }
}

void Buyers::EmitMatchedAfterAll(const Purchase& purchase, Timestamp time) {
  BuyerEvent event;
  event.set_matched_after_all(true);
  const std::string key = UnmatchedKey(purchase.order().order_id(), Millis(purchase.delivered_at()));
  context_->Forward({&key, &event, time});
}

void Buyers::EmitFact(const StringKey& user, const Purchase& purchase, const Registration& registration, Timestamp time) {
  if (!Qualifies(purchase.order(), registration)) return;
  BuyerEvent event;
  *event.mutable_fact() = MakeFact(purchase, registration);
  const std::string order = absl::StrCat(purchase.order().order_id());
  context_->Forward({&order, &event, time});

  TShirtFact fact = event.fact();
  const TShirtFact* first = first_->Get(user);
  if (first != nullptr && Earlier(*first, fact)) return;
  // The very same fact comes again only after a failure: then it is sent again.
  if (first == nullptr || Earlier(fact, *first)) first_->Put(user, fact);
  *event.mutable_first_fact() = std::move(fact);
  context_->Forward({&user, &event, time});
}

void PurchaseProcessor::Init(ProcessorContext<StringKey, BuyerEvent>& context) {
  Processor::Init(context);
  buyers_.Init(context);
}

void PurchaseProcessor::Process(const Record<StringKey, KnownPurchase>& record) {
  if (record.key == nullptr || record.value == nullptr) return;
  const KnownPurchase& known = *record.value;
  buyers_.Buy(*record.key, known.purchase(), known.has_registration() ? &known.registration() : nullptr, record.timestamp);
}

void RegistrationProcessor::Init(ProcessorContext<StringKey, BuyerEvent>& context) {
  Processor::Init(context);
  buyers_.Init(context);
}

void RegistrationProcessor::Process(const Record<StringKey, Registration>& record) {
  if (record.key == nullptr || record.value == nullptr) return;
  buyers_.Register(*record.key, *record.value, record.timestamp);
}

}  // namespace millrace::tshirt
