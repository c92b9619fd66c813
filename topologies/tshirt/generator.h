#ifndef MILLRACE_TOPOLOGIES_TSHIRT_GENERATOR_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_GENERATOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "messages.h"
#include "millrace/state/timestamp.h"

namespace millrace::tshirt {

enum class EventKind { kRegistration = 0, kOrder = 1, kDelivery = 2, kPayment = 3 };
inline constexpr int kEventKinds = 4;

/// "registrations", "orders", "deliveries", "payments".
[[nodiscard]] std::string_view InputTopic(EventKind kind);

/// A record of an input topic.
struct InputRecord {
  EventKind kind = EventKind::kRegistration;
  Timestamp time;
  std::string key;
  std::string value;
};

struct GeneratorOptions {
  /// At most 4,194,303.
  int64_t users = 200000;
  uint64_t seed = 1;
  /// The first registrations are made then: 2024-01-01 (UTC) by default.
  Timestamp start = Timestamp::FromMillis(1704067200000);
  /// If set, the thirty days of registrations end then (`start` does not count), and so does all else: later orders,
  /// deliveries and payments are left out.
  std::optional<Timestamp> end = std::nullopt;
};

/// A shop's life: users register uniformly over thirty days; each places a geometric number of orders (6 on average, from 0) with
/// exponential gaps (2 days on average) from the registration on; each order is paid within an hour and delivered 0.5 to 5 days
/// later, but 2 % never and 1 % up to an hour *before* the order; 0.5 % of deliveries come twice, up to an hour apart. The same
/// options give the same bytes. Registrations, orders and deliveries without `end` follow the draws of workload W6.
class Generator {
 public:
  explicit Generator(const GeneratorOptions& options);

  /// Records of all topics, merged by event time: `take` for each of the next `max_records`, valid inside the call. False when
  /// there are no more.
  bool Next(int64_t max_records, absl::FunctionRef<void(const InputRecord& record)> take);

  [[nodiscard]] int64_t total() const;
  [[nodiscard]] int64_t count(EventKind kind) const { return static_cast<int64_t>(of(kind).size()); }

 private:
  /// Time since the start, and what the event is about, in one number: sorts by time.
  using Packed = int64_t;
  static constexpr int kIndexBits = 26;

  void MakeOrders();
  void MakeDeliveries();
  [[nodiscard]] std::vector<Packed>& of(EventKind kind) { return events_[static_cast<int>(kind)]; }
  [[nodiscard]] const std::vector<Packed>& of(EventKind kind) const { return events_[static_cast<int>(kind)]; }
  void Fill(EventKind kind, int64_t index, InputRecord* record) const;

  const GeneratorOptions options_;
  const int64_t start_ms_;
  uint64_t draws_ = 0;
  std::vector<int64_t> signup_;
  std::vector<Packed> orders_;            // time and user, sorted; order_id = position + 1
  std::vector<int32_t> delivered_order_;  // of each delivery
  std::vector<Packed> events_[kEventKinds];
  size_t next_[kEventKinds] = {};
  InputRecord record_;
};

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_GENERATOR_H_
