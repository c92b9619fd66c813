#include "rules.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace millrace::tshirt {

bool Matches(const Order& order, int64_t delivered_ms) {
  const int64_t after = delivered_ms - Millis(order.ordered_at());
  return after >= 0 && after <= kDeliveryWindow.count();
}

int64_t JoinMillis(const Purchase& purchase) {
  return std::max(Millis(purchase.order().ordered_at()), Millis(purchase.delivered_at()));
}

bool KnownAtJoin(const Purchase& purchase, const Registration* registration) {
  return registration != nullptr && Millis(registration->registered_at()) <= JoinMillis(purchase);
}

bool Qualifies(const Order& order, const Registration& registration) {
  return order.category() == "t-shirt" && Millis(order.ordered_at()) - Millis(registration.registered_at()) >= kSignupAge.count();
}

TShirtFact MakeFact(const Purchase& purchase, const Registration& registration) {
  const Order& order = purchase.order();
  const int64_t age = Millis(order.ordered_at()) - Millis(registration.registered_at());
  TShirtFact fact;
  fact.set_user_id(order.user_id());
  fact.set_order_id(order.order_id());
  *fact.mutable_registered_at() = registration.registered_at();
  *fact.mutable_ordered_at() = order.ordered_at();
  *fact.mutable_delivered_at() = purchase.delivered_at();
  fact.set_days_after_signup(static_cast<int32_t>(age / std::chrono::milliseconds(std::chrono::hours(24)).count()));
  fact.set_country(registration.country());
  fact.set_sku(order.sku());
  fact.set_price_cents(order.price_cents());
  return fact;
}

bool Earlier(const TShirtFact& a, const TShirtFact& b) {
  return std::tuple(Millis(a.delivered_at()), a.order_id()) < std::tuple(Millis(b.delivered_at()), b.order_id());
}

PendingDelivery MakePending(const Order& order) {
  PendingDelivery pending;
  pending.set_order_id(order.order_id());
  pending.set_user_id(order.user_id());
  pending.set_sku(order.sku());
  pending.set_category(order.category());
  *pending.mutable_ordered_at() = order.ordered_at();
  return pending;
}

Unmatched MakeUnmatched(UnmatchedReason reason, const Order* order, int64_t order_id, int64_t delivered_ms) {
  Unmatched unmatched;
  unmatched.set_reason(reason);
  unmatched.set_order_id(order_id);
  if (order != nullptr) {
    unmatched.set_user_id(order->user_id());
    *unmatched.mutable_ordered_at() = order->ordered_at();
  }
  *unmatched.mutable_delivered_at() = ToProto(delivered_ms);
  return unmatched;
}

UnmatchedReason MismatchReason(const Order& order, int64_t delivered_ms) {
  return delivered_ms < Millis(order.ordered_at()) ? UNMATCHED_REASON_EARLY : UNMATCHED_REASON_LATE;
}

std::string UnmatchedKey(int64_t order_id, int64_t delivered_ms) { return absl::StrCat(order_id, "/", delivered_ms); }

std::string DateOf(int64_t millis, const absl::TimeZone& zone) {
  return std::string(absl::FormatTime("%Y-%m-%d", absl::FromUnixMillis(millis), zone));
}

int64_t OpeningMillis(const absl::TimeZone& zone) {
  return absl::ToUnixMillis(absl::FromCivil(absl::CivilDay(2024, 1, 1), zone));
}

std::string SalesKey(std::string_view date, std::string_view currency) { return std::string(date) + "/" + std::string(currency); }

DailySales MakeDailySales(std::string_view key, int64_t payments, int64_t amount_cents) {
  const size_t slash = key.find('/');
  DailySales sales;
  sales.set_date(std::string(key.substr(0, slash)));
  sales.set_currency(std::string(key.substr(slash + 1)));
  sales.set_payments(payments);
  sales.set_amount_cents(amount_cents);
  return sales;
}

DailyCount MakeDailyCount(std::string_view date, int64_t count) {
  DailyCount daily;
  daily.set_date(std::string(date));
  daily.set_count(count);
  return daily;
}

}  // namespace millrace::tshirt
