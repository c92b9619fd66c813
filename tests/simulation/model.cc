#include "model.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::simulation {
namespace {

constexpr int kCustomerCount = 4;
constexpr const char* kTopics[] = {kOrders, kPayments, kCustomers, kEcho, kPaid, kTimed, kLists, kEnriched, kLetters};

}  // namespace

void Model::CreateTopics() {
  for (const char* topic : kTopics) {
    if (!log_->CreateTopic(topic, kPartitions).ok()) std::abort();
  }
}

int32_t Model::Append(const char* topic, const std::string& key, const std::string& value) {
  const auto sizes = [&] {
    std::array<int64_t, kPartitions> ends{};
    for (int32_t p = 0; p < kPartitions; ++p) ends[p] = log_->EndOffset({topic, p}).value_or(-1);
    return ends;
  };
  const auto before = sizes();
  time_ += random_->Between(0, 200);
  if (!log_->Append(topic, std::nullopt, BytesView(key), BytesView(value), Timestamp::FromMillis(time_)).ok()) std::abort();
  const auto after = sizes();
  return static_cast<int32_t>(std::mismatch(before.begin(), before.end(), after.begin()).first - before.begin());
}

void Model::WriteOrder() {
  Order& order = orders_.emplace_back();
  order.id = absl::StrCat("o", written_++);
  order.customer = absl::StrCat("c", random_->Below(kCustomerCount));
  order.partition = Append(kOrders, order.id, order.customer);
  for (uint64_t i = random_->Below(3); i > 0; --i) {
    payments_to_come_.emplace_back(orders_.size() - 1, absl::StrCat(order.id, "p", i));
  }
}

void Model::WriteSome() {
  for (uint64_t i = random_->Below(6); i > 0; --i) {
    const uint64_t what = random_->Below(10);
    if (what < 2) {
      const std::string customer = absl::StrCat("c", random_->Below(kCustomerCount));
      Append(kCustomers, customer, absl::StrCat(++versions_[customer]));
    } else if (what < 6 && !payments_to_come_.empty()) {
      const size_t which = random_->Below(payments_to_come_.size());
      auto [order, payment] = payments_to_come_[which];
      payments_to_come_.erase(payments_to_come_.begin() + static_cast<std::ptrdiff_t>(which));
      Append(kPayments, orders_[order].id, payment);
      orders_[order].payments.push_back(payment);
    } else if (written_ < planned_) {
      WriteOrder();
    }
  }
}

std::vector<Model::Output> Model::Read(const char* topic) const {
  std::vector<Output> outputs;
  for (int32_t p = 0; p < kPartitions; ++p) {
    const auto records = log_->Read(topic, p, 0, log::Isolation::kReadCommitted);
    if (!records.ok()) std::abort();
    for (const auto& record : *records) outputs.push_back({record.key.value_or(""), record.value.value_or(""), p});
  }
  return outputs;
}

class Model::Checker {
 public:
  Checker(const Model& model, const Promise& promise, bool complete) : model_(model), promise_(promise), complete_(complete) {
    for (const Order& order : model_.orders_) by_id_[order.id] = &order;
  }

  std::vector<std::string> Run() {
    CheckEcho();
    CheckPaid();
    CheckTimed();
    CheckLists();
    CheckEnriched();
    CheckOrderOfForwards();
    return std::move(problems_);
  }

 private:
  template <class... Parts>
  void Problem(const Parts&... parts) {
    if (problems_.size() < 20) problems_.push_back(absl::StrCat(parts...));
  }

  // Each fact that came out must be expected; how often, is a matter of the guarantee.
  void CheckFacts(const char* topic, const std::set<std::string>& expected, bool promised_at_least_once) {
    std::map<std::string, int> seen;
    for (const Output& output : model_.Read(topic)) ++seen[absl::StrCat(output.key, " -> ", output.value)];
    for (const auto& [fact, times] : seen) {
      if (!expected.contains(fact)) Problem(topic, ": ", fact, " is wrong");
      if (times > 1 && promise_.exactly_once) Problem(topic, ": ", fact, " came ", times, " times");
    }
    if (!complete_ || !(promise_.exactly_once || promised_at_least_once)) return;
    for (const std::string& fact : expected) {
      if (!seen.contains(fact)) Problem(topic, ": ", fact, " is missing");
    }
  }

  void CheckEcho() {
    std::set<std::string> expected;
    std::set<std::string> refused;
    std::array<std::vector<std::string>, kPartitions> in_order;
    for (const Order& order : model_.orders_) {
      const std::string fact = absl::StrCat(order.id, " -> of ", order.customer);
      if (promise_.refusals && RefusedOf(order.id) != RefusedBy::kNobody) {
        refused.insert(fact);
        continue;
      }
      expected.insert(fact);
      in_order[order.partition].push_back(order.id);
    }
    CheckFacts(kEcho, expected, true);
    CheckFacts(kLetters, refused, true);
    if (!promise_.exactly_once) return;
    std::array<size_t, kPartitions> next{};
    for (const Output& output : model_.Read(kEcho)) {
      const auto& wanted = in_order[output.partition];
      size_t& at = next[output.partition];
      if (at >= wanted.size() || wanted[at] != output.key) {
        return Problem(kEcho, "-", output.partition, ": ", output.key, " is not in the order of ", kOrders);
      }
      ++at;
    }
  }

  void CheckPaid() {
    std::set<std::string> expected;
    for (const Order& order : model_.orders_) {
      for (const std::string& payment : order.payments)
        expected.insert(absl::StrCat(order.id, " -> ", order.customer, "/", payment));
    }
    CheckFacts(kPaid, expected, promise_.no_zombie);
  }

  // A timer that fired without being seen (its deletion reached the changelog, its output did not) may be lost at least once.
  void CheckTimed() {
    std::set<std::string> expected;
    for (const Order& order : model_.orders_) expected.insert(absl::StrCat(order.id, " -> due"));
    CheckFacts(kTimed, expected, false);
  }

  // Each list is the one before and one order more.
  void CheckLists() {
    std::map<std::string, std::vector<std::string>> last;
    for (const Output& output : model_.Read(kLists)) {
      std::vector<std::string> list = absl::StrSplit(output.value, ',');
      for (const std::string& id : list) {
        const auto order = by_id_.find(id);
        if (order == by_id_.end() || order->second->customer != output.key) Problem(kLists, ": ", output.key, " has no ", id);
      }
      std::vector<std::string>& before = last[output.key];
      if (promise_.exactly_once) {
        const bool grown = list.size() > before.size() && std::equal(before.begin(), before.end(), list.begin());
        if (!grown || (promise_.every_update && list.size() != before.size() + 1)) {
          Problem(kLists, ": ", output.key, " went from ", before.size(), " orders to ", output.value);
        }
      }
      before = std::move(list);
    }
    lists_ = last;
    for (const auto& [customer, list] : last) CheckLastList(customer, list);
    if (!complete_ || !(promise_.exactly_once || promise_.no_zombie)) return;
    for (const Order& order : model_.orders_) {
      const auto& list = last[order.customer];
      if (std::find(list.begin(), list.end(), order.id) == list.end()) {
        Problem(kLists, ": ", order.id, " is not in the last list of ", order.customer);
      }
    }
  }

  void CheckLastList(const std::string& customer, const std::vector<std::string>& list) {
    if (!promise_.exactly_once) return;
    const std::set<std::string> unique(list.begin(), list.end());
    if (unique.size() != list.size()) Problem(kLists, ": ", customer, " has an order twice");
    std::array<int, kPartitions> newest = {-1, -1};
    for (const std::string& id : list) {
      const auto order = by_id_.find(id);
      int number = 0;
      if (order == by_id_.end() || !absl::SimpleAtoi(id.substr(1), &number)) continue;
      int& before = newest[order->second->partition];
      if (number < before) Problem(kLists, ": ", id, " of ", customer, " overtook o", before);
      before = number;
    }
  }

  // The rows that orders of one customer met only get newer; orders come as in the lists.
  void CheckEnriched() {
    std::map<std::string, std::vector<std::string>> orders;
    std::map<std::string, int> newest;
    std::set<std::string> seen;
    for (const Output& output : model_.Read(kEnriched)) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(output.value, absl::MaxSplits('@', 1));
      const auto order = by_id_.find(parts.first);
      if (order == by_id_.end() || order->second->customer != output.key) {
        Problem(kEnriched, ": ", output.key, " has no ", parts.first);
        continue;
      }
      int version = 0;
      if (parts.second != "-" && !absl::SimpleAtoi(parts.second, &version)) Problem(kEnriched, ": row ", parts.second);
      const auto written = model_.versions_.find(output.key);
      if (version > (written == model_.versions_.end() ? 0 : written->second)) {
        Problem(kEnriched, ": ", output.value, " of ", output.key, " has a row that was never written");
      }
      const bool again = !seen.insert(parts.first).second;
      if (promise_.exactly_once) {
        if (again) Problem(kEnriched, ": ", parts.first, " came twice");
        if (version < newest[output.key]) Problem(kEnriched, ": ", output.value, " has an older row than an order before it");
      }
      newest[output.key] = std::max(newest[output.key], version);
      orders[output.key].push_back(parts.first);
    }
    if (!complete_) return;
    if (promise_.exactly_once && promise_.every_update && orders != lists_) Problem(kEnriched, ": other order than in ", kLists);
    for (const Order& order : model_.orders_) {
      if (!seen.contains(order.id)) Problem(kEnriched, ": ", order.id, " is missing");
    }
  }

  // Lists leave in the order in which their last orders came, cached or not: that of the orders in their partition.
  void CheckOrderOfForwards() {
    if (!promise_.exactly_once) return;
    std::map<std::string, int> place;
    for (const Output& output : model_.Read(kEnriched)) {
      place.emplace(output.value.substr(0, output.value.find('@')), static_cast<int>(place.size()));
    }
    std::array<int, kPartitions> newest = {-1, -1};
    for (const Output& output : model_.Read(kLists)) {
      const std::string order = output.value.substr(output.value.rfind(',') + 1);
      const auto at = place.find(order);
      if (at == place.end()) {
        // An open transaction may hold back one topic and not the other.
        if (complete_) Problem(kLists, ": ", order, " never came to ", kEnriched);
        continue;
      }
      int& before = newest[output.partition];
      if (at->second < before) Problem(kLists, ": the list that ends with ", order, " comes after one of a later touch");
      before = std::max(before, at->second);
    }
  }

  const Model& model_;
  const Promise promise_;
  const bool complete_;
  std::map<std::string, const Order*> by_id_;
  std::map<std::string, std::vector<std::string>> lists_;
  std::vector<std::string> problems_;
};

std::vector<std::string> Model::Check(const Promise& promise, bool complete) const {
  return Checker(*this, promise, complete).Run();
}

}  // namespace millrace::simulation
