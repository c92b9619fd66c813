#include "mutants.h"

#include <utility>

#include "millrace/state/internal/mutants.h"

namespace millrace {
namespace internal {

Mutant active_mutant = Mutant::kNone;

}  // namespace internal

namespace simulation {
namespace {

using internal::Mutant;

constexpr std::pair<const char*, Mutant> kMutants[] = {
    {"offsets-before-delivery", Mutant::kOffsetsBeforeDelivery},
    {"offsets-left-out", Mutant::kOffsetsLeftOut},
    {"offsets-of-fetched", Mutant::kOffsetsOfFetched},
    {"ambiguous-commit-reused", Mutant::kAmbiguousCommitReused},
    {"fenced-taken-for-done", Mutant::kFencedTakenForDone},
    {"refused-taken-for-done", Mutant::kRefusedTakenForDone},
    {"commit-of-lost-task", Mutant::kCommitOfLostTask},
    {"persist-before-commit", Mutant::kPersistBeforeCommit},
    {"persist-of-dropped", Mutant::kPersistOfDropped},
    {"restore-uncommitted", Mutant::kRestoreUncommitted},
    {"restore-to-stable-offset", Mutant::kRestoreToStableOffset},
    {"marker-taken-for-record", Mutant::kMarkerTakenForRecord},
    {"tombstone-dropped", Mutant::kTombstoneDropped},
    {"last-touch-order-broken", Mutant::kLastTouchOrderBroken},
    {"forward-left-out", Mutant::kForwardLeftOut},
    {"purge-before-commit", Mutant::kPurgeBeforeCommit},
    {"changelog-outside-transaction", Mutant::kChangelogOutside},
    {"timer-twice", Mutant::kTimerTwice},
    {"cancel-overlooked", Mutant::kCancelOverlooked},
    {"stale-after-fence", Mutant::kStaleAfterFence},
};

}  // namespace

std::vector<std::string> MutantNames() {
  std::vector<std::string> names;
  for (const auto& [name, mutant] : kMutants) names.emplace_back(name);
  return names;
}

bool SwitchOn(std::string_view name) {
  for (const auto& [known, mutant] : kMutants) {
    if (name != known) continue;
    internal::active_mutant = mutant;
    return true;
  }
  return false;
}

}  // namespace simulation
}  // namespace millrace
