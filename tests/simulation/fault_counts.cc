#include "fault_counts.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace millrace::simulation {
namespace {

constexpr std::array<const char*, static_cast<size_t>(Event::kEvents)> kEventNames = {
    "crash",
    "crash in a commit",
    "unsynced writes lost",
    "store damaged",
    "disk lost",
    "disk full",
    "zombie",
    "zombie in a commit",
    "member expired",
    "member not known for a moment",
    "group membership fails",
    "clock jump",
    "no broker takes or gives records",
    "fetch fails",
    "fetch out of range",
    "fetch damaged",
    "fetch forbidden",
    "record refused by the client",
    "record refused for its partition",
    "batch refused by the broker",
    "topic forbidden",
    "topic unknown",
    "batch too large",
    "clean stop",
    "instance failed",
};

constexpr unsigned kD = 1U << static_cast<size_t>(Fate::kDelayed);
constexpr unsigned kR = 1U << static_cast<size_t>(Fate::kRequestLost);
constexpr unsigned kA = 1U << static_cast<size_t>(Fate::kAnswerLost);
constexpr unsigned kL = 1U << static_cast<size_t>(Fate::kLate);
constexpr unsigned kT = 1U << static_cast<size_t>(Fate::kTwice);
constexpr unsigned kO = 1U << static_cast<size_t>(Fate::kOvertaken);

struct CallKind {
  const char* name = "";
  unsigned fates = 0;
};

// What the client repeats by itself, or is told twice without a difference, has fewer. A record comes once: the idempotent
// producer sees to that, below the seam. Whose abort was not answered is replaced: it sends nothing that could overtake it.
constexpr std::array<CallKind, static_cast<size_t>(Call::kCalls)> kCallKinds = {{
    {"fetch", kD},
    {"assign", kD | kR | kA},
    {"produce", kD | kR | kA | kL | kO},
    {"join group", kD | kR | kA},
    {"group poll", kD},
    {"leave group", kD | kR},
    {"committed offsets", kD | kR | kA},
    {"commit offsets", kD | kR | kA | kL | kT | kO},
    {"init producer", kD | kR | kA | kL | kT | kO},
    {"offsets of a transaction", kD | kR | kA | kL | kT | kO},
    {"end transaction, commit", kD | kR | kA | kL | kT | kO},
    {"end transaction, abort", kD | kR | kA | kL | kT},
    {"metadata", kD | kR | kA},
    {"list offsets", kD | kR | kA},
    {"describe group", kD | kR | kA},
    {"create topic", kD | kR | kA | kL | kT},
    {"delete records", kD | kR | kA | kL | kT | kO},
}};

constexpr std::array<const char*, static_cast<size_t>(Fate::kFates)> kFateNames = {"delayed", "request lost", "answer lost",
                                                                                   "late",    "twice",        "overtaken"};

}  // namespace

std::string FaultCounts::Name(size_t kind) {
  if (kind < kEventNames.size()) return std::string(kEventNames[kind]);
  const size_t rest = kind - kEventNames.size();
  const CallKind& call = kCallKinds[rest / kFateNames.size()];
  const size_t fate = rest % kFateNames.size();
  if ((call.fates & (1U << fate)) == 0) return {};
  return absl::StrCat(call.name, ": ", kFateNames[fate]);
}

std::string FaultCounts::Summary() const {
  std::vector<std::string> parts;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (times_[kind] > 0) parts.push_back(absl::StrCat(times_[kind], " x ", Name(kind)));
  }
  return parts.empty() ? "no faults" : absl::StrJoin(parts, ", ");
}

std::string FaultCounts::Table() const {
  std::string table;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    const std::string name = Name(kind);
    if (!name.empty()) absl::StrAppendFormat(&table, "%-40s %8d\n", absl::StrCat(name, ":"), times_[kind]);
  }
  return table;
}

bool FaultCounts::complete() const {
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (times_[kind] == 0 && !Name(kind).empty()) return false;
  }
  return true;
}

std::string FaultCounts::Encode() const { return absl::StrJoin(times_, " "); }

FaultCounts FaultCounts::Decode(const std::string& text) {
  FaultCounts counts;
  const std::vector<std::string> numbers = absl::StrSplit(text, ' ');
  for (size_t kind = 0; kind < kKinds && kind < numbers.size(); ++kind) {
    if (!absl::SimpleAtoi(numbers[kind], &counts[kind])) counts[kind] = 0;
  }
  return counts;
}

}  // namespace millrace::simulation
