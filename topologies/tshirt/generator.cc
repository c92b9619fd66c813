#include "generator.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"

namespace millrace::tshirt {
namespace {

constexpr int64_t kDayMs = 86400000;
constexpr int64_t kHourMs = kDayMs / 24;
constexpr int64_t kSpanMs = 30 * kDayMs;
constexpr int kUserBits = 22;

constexpr const char* kCountries[] = {"DE", "FR", "GB", "JP", "NL", "NO", "PL", "US"};
constexpr const char* kCurrencies[] = {"EUR", "EUR", "GBP", "JPY", "EUR", "NOK", "PLN", "USD"};
constexpr const char* kChannels[] = {"newsletter/spring-campaign/variant-b", "organic-search/landing-page/en",
                                     "partner-shop/banner/top-right", "word-of-mouth/invite-code/friend"};
constexpr const char* kCategories[] = {"t-shirt", "hoodie", "mug", "poster", "sticker"};
constexpr const char* kCarriers[] = {"northern-parcel-express", "coast-to-coast-freight", "bicycle-couriers-united"};

/// SplitMix64's finaliser over a seeded counter.
uint64_t Mix(uint64_t seed, uint64_t i) {
  uint64_t z = (i + 1) * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// A stream of draws from a counter that its owner keeps.
class Draws {
 public:
  Draws(uint64_t seed, uint64_t* count) : seed_(seed), count_(count) {}
  double Unit() { return static_cast<double>(Mix(seed_, (*count_)++) >> 11) * 0x1.0p-53; }
  int64_t Below(int64_t n) { return static_cast<int64_t>(Unit() * static_cast<double>(n)); }
  double Exponential(double mean) { return -std::log(1 - Unit()) * mean; }

 private:
  uint64_t seed_;
  uint64_t* count_;
};

uint64_t CountryOf(uint64_t seed, int64_t user) { return (Mix(seed + 10, static_cast<uint64_t>(user)) >> 1) % 8; }

Registration MakeRegistration(uint64_t seed, int64_t user, int64_t ms) {
  const uint64_t r = Mix(seed + 10, static_cast<uint64_t>(user)) >> 1;
  Registration m;
  m.set_user_id(user);
  *m.mutable_registered_at() = ToProto(ms);
  m.set_country(kCountries[r % 8]);
  m.set_channel(kChannels[r / 8 % 4]);
  return m;
}

Order MakeOrder(uint64_t seed, int64_t id, int64_t user, int64_t ms) {
  const uint64_t r = Mix(seed + 11, static_cast<uint64_t>(id)) >> 1;
  const char* category = kCategories[r % 5];
  const auto item = static_cast<int64_t>(r / 5 % 10000);
  Order m;
  m.set_order_id(id);
  m.set_user_id(user);
  m.set_sku(absl::StrCat("catalogue/", category, "/spring/item-", 10000 + item, "/black/xl"));
  m.set_category(category);
  m.set_quantity(static_cast<int32_t>(1 + r / 50000 % 3));
  m.set_price_cents(500 + item);
  *m.mutable_ordered_at() = ToProto(ms);
  return m;
}

Delivery MakeDelivery(uint64_t seed, int64_t order_id, int64_t ms) {
  const uint64_t r = Mix(seed + 12, static_cast<uint64_t>(order_id)) >> 1;
  Delivery m;
  m.set_order_id(order_id);
  m.set_carrier(absl::StrCat(kCarriers[r % 3], "/depot-", 100 + r / 3 % 100));
  *m.mutable_delivered_at() = ToProto(ms);
  return m;
}

Payment MakePayment(uint64_t seed, const Order& order, int64_t ms) {
  Payment m;
  m.set_payment_id(order.order_id());
  m.set_order_id(order.order_id());
  m.set_amount_cents(order.price_cents() * order.quantity());
  m.set_currency(kCurrencies[CountryOf(seed, order.user_id())]);
  *m.mutable_paid_at() = ToProto(ms);
  return m;
}

void SetRecord(int64_t key, const google::protobuf::Message& message, InputRecord* record) {
  record->key.clear();
  absl::StrAppend(&record->key, key);
  record->value.clear();
  message.AppendToString(&record->value);
}

}  // namespace

std::string_view InputTopic(EventKind kind) {
  switch (kind) {
    case EventKind::kRegistration:
      return "registrations";
    case EventKind::kOrder:
      return "orders";
    case EventKind::kDelivery:
      return "deliveries";
    case EventKind::kPayment:
      return "payments";
  }
  return "";
}

Generator::Generator(const GeneratorOptions& options)
    : options_(options), start_ms_(options.end ? options.end->millis() - kSpanMs : options.start.millis()) {
  MakeOrders();
  MakeDeliveries();
  for (size_t i = 0; i < orders_.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    const int64_t time = orders_[i] >> kUserBits;
    const auto delay = static_cast<int64_t>((Mix(options_.seed + 13, i + 1) >> 1) % static_cast<uint64_t>(kHourMs));
    of(EventKind::kOrder).push_back(time << kIndexBits | index);
    of(EventKind::kPayment).push_back((time + delay) << kIndexBits | index);
  }
  for (int64_t user = 1; user <= options_.users; ++user) {
    of(EventKind::kRegistration).push_back(signup_[static_cast<size_t>(user)] << kIndexBits | user);
  }
  for (std::vector<Packed>& events : events_) {
    std::sort(events.begin(), events.end());
    if (options_.end) events.erase(std::lower_bound(events.begin(), events.end(), kSpanMs << kIndexBits), events.end());
  }
}

void Generator::MakeOrders() {
  Draws random(options_.seed, &draws_);
  signup_.resize(static_cast<size_t>(options_.users) + 1);
  for (int64_t user = 1; user <= options_.users; ++user) {
    int64_t time = random.Below(kSpanMs);
    signup_[static_cast<size_t>(user)] = time;
    while (random.Unit() < 6.0 / 7) {  // geometric from 0, mean 6
      time += 1 + static_cast<int64_t>(random.Exponential(2 * kDayMs));
      orders_.push_back(time << kUserBits | user);
    }
  }
  std::sort(orders_.begin(), orders_.end());
}

void Generator::MakeDeliveries() {
  Draws random(options_.seed, &draws_);
  for (size_t i = 0; i < orders_.size(); ++i) {
    const int64_t ordered = orders_[i] >> kUserBits;
    const double fate = random.Unit();
    if (fate < 0.02) continue;                                                            // never delivered
    int64_t at = fate < 0.03 ? std::max<int64_t>(0, ordered - 1 - random.Below(kHourMs))  // scanned before the order
                             : ordered + kDayMs / 2 + random.Below(4 * kDayMs + kDayMs / 2);
    const int copies = random.Unit() < 0.005 ? 2 : 1;
    for (int c = 0; c < copies; ++c, at += 1 + random.Below(kHourMs)) {
      of(EventKind::kDelivery).push_back(at << kIndexBits | static_cast<int64_t>(delivered_order_.size()));
      delivered_order_.push_back(static_cast<int32_t>(i));
    }
  }
}

int64_t Generator::total() const {
  int64_t total = 0;
  for (const std::vector<Packed>& events : events_) total += static_cast<int64_t>(events.size());
  return total;
}

void Generator::Fill(EventKind kind, int64_t index, InputRecord* record) const {
  const int64_t ms = record->time.millis();
  const uint64_t seed = options_.seed;
  const auto order_at = [&](int64_t i) { return orders_[static_cast<size_t>(i)]; };
  const auto user_of = [&](int64_t i) { return order_at(i) & ((int64_t{1} << kUserBits) - 1); };
  switch (kind) {
    case EventKind::kRegistration:
      return SetRecord(index, MakeRegistration(seed, index, ms), record);
    case EventKind::kOrder:
      return SetRecord(index + 1, MakeOrder(seed, index + 1, user_of(index), ms), record);
    case EventKind::kDelivery: {
      const int64_t id = delivered_order_[static_cast<size_t>(index)] + 1;
      return SetRecord(id, MakeDelivery(seed, id, ms), record);
    }
    case EventKind::kPayment:
      return SetRecord(index + 1, MakePayment(seed, MakeOrder(seed, index + 1, user_of(index), ms), ms), record);
  }
}

bool Generator::Next(int64_t max_records, absl::FunctionRef<void(const InputRecord& record)> take) {
  constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  for (int64_t n = 0; n < max_records; ++n) {
    int first = -1;
    int64_t first_time = kNone;
    for (int kind = 0; kind < kEventKinds; ++kind) {
      if (next_[kind] == events_[kind].size()) continue;
      const int64_t time = events_[kind][next_[kind]] >> kIndexBits;
      if (time < first_time) {
        first = kind;
        first_time = time;
      }
    }
    if (first < 0) return false;
    const Packed event = events_[first][next_[first]++];
    record_.kind = static_cast<EventKind>(first);
    record_.time = Timestamp::FromMillis(start_ms_ + first_time);
    Fill(record_.kind, event & ((int64_t{1} << kIndexBits) - 1), &record_);
    take(record_);
  }
  return true;
}

}  // namespace millrace::tshirt
