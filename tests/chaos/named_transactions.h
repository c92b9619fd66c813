#ifndef MILLRACE_TESTS_CHAOS_NAMED_TRANSACTIONS_H_
#define MILLRACE_TESTS_CHAOS_NAMED_TRANSACTIONS_H_

#include <memory>
#include <string>

#include "log/log.h"

namespace millrace::chaos {

/// The header of each record that names its transaction.
inline constexpr char kTransactionHeader[] = "chaos-transaction";

/// A log over `inner` whose transactional producers put that header on records for topics whose names begin with `prefix`, and
/// write a line "chaos-gave-up NAME" to standard error when a transaction is over that was aborted, or whose end was never asked
/// for: nobody who reads committed records may ever see one of its records. Of a commit that failed in another way nothing is
/// said: how it ended is not known.
std::shared_ptr<log::LogClient> WithNamedTransactions(std::shared_ptr<log::LogClient> inner, const std::string& prefix);

}  // namespace millrace::chaos

#endif  // MILLRACE_TESTS_CHAOS_NAMED_TRANSACTIONS_H_
