#include "model.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rules.h"

namespace millrace::tshirt {
namespace {

std::unordered_map<std::string, std::string>& Topic(Expected* expected, std::string_view topic) {
  return (*expected)[std::string(topic)];
}

template <class Message>
absl::Status Parse(std::string_view value, Message* message) {
  if (message->ParseFromArray(value.data(), static_cast<int>(value.size()))) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(value.size(), " bytes are no ", message->GetTypeName()));
}

}  // namespace

absl::Status Model::Add(EventKind kind, std::string_view value) {
  const auto add = [&](auto message) {
    absl::Status parsed = Parse(value, &message);
    if (parsed.ok()) Add(message);
    return parsed;
  };
  switch (kind) {
    case EventKind::kRegistration:
      return add(Registration());
    case EventKind::kOrder:
      return add(Order());
    case EventKind::kDelivery:
      return add(Delivery());
    case EventKind::kPayment:
      return add(Payment());
  }
  return absl::InvalidArgumentError("no such topic");
}

void Model::Add(const Registration& registration) {
  registrations_.insert_or_assign(registration.user_id(), registration);
  ++registered_[DateOf(Millis(registration.registered_at()), zone_)];
}

void Model::Add(const Order& order) {
  orders_.insert_or_assign(order.order_id(), order);
  newest_ms_ = std::max(newest_ms_, Millis(order.ordered_at()));
}

void Model::Add(const Delivery& delivery) {
  const int64_t time = Millis(delivery.delivered_at());
  deliveries_[delivery.order_id()].push_back(time);
  newest_ms_ = std::max(newest_ms_, time);
}

void Model::Add(const Payment& payment) {
  Sales& sales = sales_[SalesKey(DateOf(Millis(payment.paid_at()), zone_), payment.currency())];
  ++sales.payments;
  sales.amount_cents += payment.amount_cents();
}

void Model::FinishOrder(const Order& order, const std::vector<int64_t>& deliveries, std::map<int64_t, TShirtFact>* buyers,
                        std::map<std::string, int64_t>* delivered, Expected* expected) const {
  const std::string key = absl::StrCat(order.order_id());
  std::optional<int64_t> match;
  for (int64_t time : deliveries) {
    if (Matches(order, time)) {
      match = std::min(match.value_or(time), time);
    } else {
      Topic(expected, kUnmatched)[UnmatchedKey(order.order_id(), time)] =
          MakeUnmatched(MismatchReason(order, time), &order, order.order_id(), time).SerializeAsString();
    }
  }
  if (!match) {
    Topic(expected, kPending)[key] = MakePending(order).SerializeAsString();
    return;
  }
  ++(*delivered)[DateOf(*match, zone_)];

  Purchase purchase;
  *purchase.mutable_order() = order;
  *purchase.mutable_delivered_at() = ToProto(*match);
  const auto found = registrations_.find(order.user_id());
  if (!KnownAtJoin(purchase, found == registrations_.end() ? nullptr : &found->second)) {
    Topic(expected, kUnmatched)[UnmatchedKey(order.order_id(), *match)] =
        MakeUnmatched(UNMATCHED_REASON_REGISTRATION_MISSING, &order, order.order_id(), *match).SerializeAsString();
    return;
  }
  if (!Qualifies(order, found->second)) return;
  const TShirtFact fact = MakeFact(purchase, found->second);
  Topic(expected, kFacts)[key] = fact.SerializeAsString();
  const auto [first, added] = buyers->emplace(order.user_id(), fact);
  if (!added && Earlier(fact, first->second)) first->second = fact;
}

Expected Model::Finish() const {
  Expected expected;
  for (std::string_view topic : kOutputTopics) Topic(&expected, topic);
  std::map<int64_t, TShirtFact> buyers;
  std::map<std::string, int64_t> delivered;
  const std::vector<int64_t> none;
  for (const auto& [id, order] : orders_) {
    const auto found = deliveries_.find(id);
    FinishOrder(order, found == deliveries_.end() ? none : found->second, &buyers, &delivered, &expected);
  }
  for (const auto& [id, times] : deliveries_) {
    if (orders_.contains(id)) continue;
    for (int64_t time : times) {
      if (time + kOrderPatience.count() >= newest_ms_) continue;  // its order may still come
      Topic(&expected, kUnmatched)[UnmatchedKey(id, time)] =
          MakeUnmatched(UNMATCHED_REASON_ORDER_MISSING, nullptr, id, time).SerializeAsString();
    }
  }
  for (const auto& [user, fact] : buyers) Topic(&expected, kBuyers)[absl::StrCat(user)] = fact.SerializeAsString();
  for (const auto& [date, count] : delivered) {
    Topic(&expected, kDailyDeliveries)[date] = MakeDailyCount(date, count).SerializeAsString();
  }
  for (const auto& [date, count] : registered_) {
    Topic(&expected, kDailyRegistrations)[date] = MakeDailyCount(date, count).SerializeAsString();
  }
  for (const auto& [key, sales] : sales_) {
    Topic(&expected, kDailySales)[key] = MakeDailySales(key, sales.payments, sales.amount_cents).SerializeAsString();
  }
  return expected;
}

}  // namespace millrace::tshirt
