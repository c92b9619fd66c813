#ifndef MILLRACE_TOPOLOGIES_TSHIRT_MODEL_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_MODEL_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "generator.h"
#include "messages.h"

namespace millrace::tshirt {

/// What each output topic must say in the end: the last value of each key, serialised. Keys with a tombstone are absent.
using Expected = std::map<std::string, std::unordered_map<std::string, std::string>, std::less<>>;

/// Knows every fact of the shop from its input alone, by plain maps: no streams, no time but the events' own, no order of
/// arrival. What the topology makes must equal it, in whatever order, on however many partitions the records come.
class Model {
 public:
  explicit Model(absl::TimeZone zone = absl::UTCTimeZone()) : zone_(zone) {}

  /// kInvalidArgument if the value is no message of its topic.
  absl::Status Add(EventKind kind, std::string_view value);
  void Add(const Registration& registration);
  void Add(const Order& order);
  void Add(const Delivery& delivery);
  void Add(const Payment& payment);

  /// All output topics, also empty ones.
  [[nodiscard]] Expected Finish() const;

 private:
  struct Sales {
    int64_t payments = 0;
    int64_t amount_cents = 0;
  };
  void FinishOrder(const Order& order, const std::vector<int64_t>& deliveries, std::map<int64_t, TShirtFact>* buyers,
                   std::map<std::string, int64_t>* delivered, Expected* expected) const;

  absl::TimeZone zone_;
  std::unordered_map<int64_t, Registration> registrations_;
  std::unordered_map<int64_t, Order> orders_;
  std::unordered_map<int64_t, std::vector<int64_t>> deliveries_;  // times, by order
  std::map<std::string, int64_t> registered_;
  std::map<std::string, Sales> sales_;
  int64_t newest_ms_ = 0;
};

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_MODEL_H_
