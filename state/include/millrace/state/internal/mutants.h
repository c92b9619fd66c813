#ifndef MILLRACE_STATE_INTERNAL_MUTANTS_H_
#define MILLRACE_STATE_INTERNAL_MUTANTS_H_

// Bugs that can be switched on to see whether the tests find them (tests/simulation, tests/chaos). Only these tests' own copy of
// the sources that name one is compiled with MILLRACE_MUTANTS; everywhere else Mutated is a constant false.

namespace millrace::internal {

enum class Mutant {
  kNone,
  kOffsetsBeforeDelivery,  // offsets are committed without waiting for the records before them
  kOffsetsLeftOut,         // a transaction commits without its offsets
  kOffsetsOfFetched,       // what was fetched counts as processed
  kAmbiguousCommitReused,  // a producer that does not know how its commit ended goes on
  kFencedTakenForDone,     // a fenced commit counts as done
  kRefusedTakenForDone,    // as does one that the group refuses
  kCommitOfLostTask,       // a lost task is committed under the new generation
  kPersistBeforeCommit,    // local state is written before the commit
  kPersistOfDropped,       // local state is written when a transaction is given up
  kRestoreUncommitted,     // records of aborted transactions are restored
  kRestoreToStableOffset,  // a restore does not wait for open transactions
  kMarkerTakenForRecord,   // a restore waits for a record at the offset of a marker
  kTombstoneDropped,       // a deletion does not reach the changelog
  kLastTouchOrderBroken,   // dirty entries are forwarded in order of the first touch
  kForwardLeftOut,         // a commit does not forward what is dirty
  kPurgeBeforeCommit,      // repartition records are deleted before their offsets are committed
  kChangelogOutside,       // changelogs are not written in the transaction
  kTimerTwice,             // what a timer sends is sent twice
  kCancelOverlooked,       // a task that is given back just after it came is restored all the same
  kStaleAfterFence,        // a task that comes back goes on with local state of before
};

#ifdef MILLRACE_MUTANTS
extern Mutant active_mutant;
inline bool Mutated(Mutant mutant) { return active_mutant == mutant; }
#else
constexpr bool Mutated(Mutant /*mutant*/) { return false; }
#endif

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_MUTANTS_H_
