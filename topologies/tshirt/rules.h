#ifndef MILLRACE_TOPOLOGIES_TSHIRT_RULES_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_RULES_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "messages.h"

// The rules of the shop and the shape of its outputs, for the topology and for the offline model.

namespace millrace::tshirt {

inline constexpr std::string_view kFacts = "tshirt-facts";
inline constexpr std::string_view kBuyers = "tshirt-buyers";
inline constexpr std::string_view kDailySales = "daily-sales";
inline constexpr std::string_view kDailyRegistrations = "daily-registrations";
inline constexpr std::string_view kDailyDeliveries = "daily-deliveries";
inline constexpr std::string_view kPending = "pending-deliveries";
inline constexpr std::string_view kUnmatched = "tshirt-unmatched";
inline constexpr std::array<std::string_view, 7> kOutputTopics = {kFacts,           kBuyers,  kDailySales, kDailyRegistrations,
                                                                  kDailyDeliveries, kPending, kUnmatched};

/// A delivery matches from the moment of the order to seven days later, both included.
inline constexpr std::chrono::milliseconds kDeliveryWindow = std::chrono::hours(7 * 24);
/// A fact's order is placed at least so long after the registration.
inline constexpr std::chrono::milliseconds kSignupAge = std::chrono::hours(72);
/// A delivery whose order is not seen for so long (event time) is reported.
inline constexpr std::chrono::milliseconds kOrderPatience = std::chrono::hours(24);

[[nodiscard]] bool Matches(const Order& order, int64_t delivered_ms);
/// The order and the delivery have met at the later of their times.
[[nodiscard]] int64_t JoinMillis(const Purchase& purchase);
/// Whether the buyer had registered by the time of the join.
[[nodiscard]] bool KnownAtJoin(const Purchase& purchase, const Registration* registration);
/// Whether a purchase makes a fact.
[[nodiscard]] bool Qualifies(const Order& order, const Registration& registration);
[[nodiscard]] TShirtFact MakeFact(const Purchase& purchase, const Registration& registration);
/// Order among the facts of one user: by delivery, then by number.
[[nodiscard]] bool Earlier(const TShirtFact& a, const TShirtFact& b);
[[nodiscard]] PendingDelivery MakePending(const Order& order);
/// order may be null.
[[nodiscard]] Unmatched MakeUnmatched(UnmatchedReason reason, const Order* order, int64_t order_id, int64_t delivered_ms);
/// Why a delivery does not match its order.
[[nodiscard]] UnmatchedReason MismatchReason(const Order& order, int64_t delivered_ms);
[[nodiscard]] std::string UnmatchedKey(int64_t order_id, int64_t delivered_ms);

/// "2026-07-31".
[[nodiscard]] std::string DateOf(int64_t millis, const absl::TimeZone& zone);
/// When 2024-01-01 begins there, the day on which the shop opens.
[[nodiscard]] int64_t OpeningMillis(const absl::TimeZone& zone);
[[nodiscard]] std::string SalesKey(std::string_view date, std::string_view currency);
[[nodiscard]] DailySales MakeDailySales(std::string_view key, int64_t payments, int64_t amount_cents);
[[nodiscard]] DailyCount MakeDailyCount(std::string_view date, int64_t count);

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_RULES_H_
