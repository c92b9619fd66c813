#include "millrace/state/serde_fingerprint.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

using Fields = std::map<int32_t, SerdeFingerprint::Field>;

const Fields& FieldsOf(const SerdeFingerprint& fingerprint, const std::string& message) {
  static const auto* const none = new Fields;
  const auto it = fingerprint.messages.find(message);
  return it == fingerprint.messages.end() ? *none : it->second;
}

// Calls `visit` for each pair of messages that stand at the same place, from the roots on.
template <class Visit>
void VisitPairs(const SerdeFingerprint& first, const SerdeFingerprint& second, Visit visit) {
  using Pair = std::pair<std::string, std::string>;
  std::vector<Pair> waiting;
  for (size_t i = 0; i < std::min(first.roots.size(), second.roots.size()); ++i) {
    waiting.emplace_back(first.roots[i], second.roots[i]);
  }
  std::set<Pair> seen;
  for (size_t next = 0; next < waiting.size(); ++next) {
    const Pair pair = waiting[next];
    if (!seen.insert(pair).second) continue;
    const Fields& of_second = FieldsOf(second, pair.second);
    visit(pair.first, pair.second);
    for (const auto& [number, field] : FieldsOf(first, pair.first)) {
      const auto other = of_second.find(number);
      if (other == of_second.end() || field.message.empty() || other->second.message.empty()) continue;
      waiting.emplace_back(field.message, other->second.message);
    }
  }
}

// A message that only `before` has, with all inside it.
void CopyMessage(const SerdeFingerprint& before, const std::string& message, SerdeFingerprint* to) {
  if (to->messages.contains(message)) return;
  const Fields& fields = FieldsOf(before, message);
  to->messages[message] = fields;
  for (const auto& [number, field] : fields) {
    if (!field.message.empty()) CopyMessage(before, field.message, to);
  }
}

}  // namespace

std::vector<FormatDifference> CompareFingerprints(const SerdeFingerprint& first, const SerdeFingerprint& second,
                                                  Evolution evolution) {
  if (first.name.empty() || second.name.empty()) return {};
  if (first.name != second.name) return {{"serde", first.name, second.name}};
  std::vector<FormatDifference> differences;
  VisitPairs(first, second, [&](const std::string& a, const std::string& b) {
    Fields numbers = FieldsOf(first, a);
    numbers.insert(FieldsOf(second, b).begin(), FieldsOf(second, b).end());
    for (const auto& [number, unused] : numbers) {
      const auto type = [number = number](const Fields& fields) {
        const auto it = fields.find(number);
        return it == fields.end() ? std::string() : it->second.type;
      };
      const std::string type_a = type(FieldsOf(first, a));
      const std::string type_b = type(FieldsOf(second, b));
      const bool one_only = type_a.empty() || type_b.empty();
      if (type_a == type_b || (one_only && evolution == Evolution::kFields)) continue;
      differences.push_back({absl::StrCat("field ", number, " of message ", b), type_a.empty() ? "none" : type_a,
                             type_b.empty() ? "none" : type_b});
    }
  });
  return differences;
}

SerdeFingerprint RememberFields(const SerdeFingerprint& before, const SerdeFingerprint& now) {
  SerdeFingerprint joined = now;
  if (now.name.empty()) return before;
  VisitPairs(before, now, [&](const std::string& a, const std::string& b) {
    for (const auto& [number, field] : FieldsOf(before, a)) {
      if (!joined.messages[b].emplace(number, field).second) continue;
      if (!field.message.empty()) CopyMessage(before, field.message, &joined);
    }
  });
  return joined;
}

}  // namespace millrace
