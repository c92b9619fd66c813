#ifndef MILLRACE_TESTS_SIMULATION_MODEL_H_
#define MILLRACE_TESTS_SIMULATION_MODEL_H_

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "application.h"
#include "log/embedded/embedded_log.h"
#include "random.h"

namespace millrace::simulation {

/// What was promised about the outputs.
struct Promise {
  bool exactly_once = true;
  /// Each update of a list is forwarded, not the last of some.
  bool every_update = true;
  /// At least once: no instance went on with tasks that others had already. One that does may write old state over new, so only
  /// what needs no state is promised then.
  bool no_zombie = true;
  /// Copies of some orders are refused, and written elsewhere.
  bool refusals = false;
};

/// Writes the input and knows, independently of Millrace's code, what must come out.
class Model {
 public:
  Model(log::embedded::EmbeddedLog* log, Random* random, int orders) : log_(log), random_(random), planned_(orders) {}

  /// Before anything else.
  void CreateTopics();
  /// Appends a few records of input; without effect when all are written.
  void WriteSome();
  [[nodiscard]] bool all_written() const { return written_ == planned_; }

  /// What is wrong with the outputs that readers of committed records see; `complete`: also what is missing. Empty: nothing.
  [[nodiscard]] std::vector<std::string> Check(const Promise& promise, bool complete) const;

 private:
  struct Order {
    std::string id;
    std::string customer;
    int32_t partition = 0;
    std::vector<std::string> payments;
  };
  struct Output {
    std::string key;
    std::string value;
    int32_t partition = 0;
  };
  class Checker;

  void WriteOrder();
  void WritePayment(Order* order);
  void WriteCustomer(const std::string& customer);
  int32_t Append(const char* topic, const std::string& key, const std::string& value);
  [[nodiscard]] std::vector<Output> Read(const char* topic) const;

  log::embedded::EmbeddedLog* const log_;
  Random* const random_;
  const int planned_;
  int written_ = 0;
  int64_t time_ = 1'600'000'000'000;
  std::vector<Order> orders_;
  std::vector<std::pair<size_t, std::string>> payments_to_come_;  // of order
  std::map<std::string, int> versions_;                           // of customers
};

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_MODEL_H_
