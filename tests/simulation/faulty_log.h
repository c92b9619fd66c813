#ifndef MILLRACE_TESTS_SIMULATION_FAULTY_LOG_H_
#define MILLRACE_TESTS_SIMULATION_FAULTY_LOG_H_

#include <memory>
#include <string>

#include "faults.h"
#include "log/log.h"

namespace millrace::simulation {

/// A process's connection to `log` as a bad network makes it: answers come late or not at all, before or after the effect;
/// requests arrive when nobody waits for them any more, or twice; records wait in the client and die with it. Each error is one
/// that the seam names.
[[nodiscard]] std::unique_ptr<log::LogClient> MakeFaultyClient(std::unique_ptr<log::LogClient> log, Faults* faults);

/// Of faulty_producer.cc.
[[nodiscard]] std::unique_ptr<log::Producer> MakeFaultyProducer(std::unique_ptr<log::Producer> log, Faults* faults);
[[nodiscard]] absl::StatusOr<std::unique_ptr<log::TransactionalProducer>> MakeFaultyProducer(
    const std::shared_ptr<log::LogClient>& client, const std::string& transactional_id, Faults* faults);

/// Of faulty_membership.cc.
[[nodiscard]] absl::StatusOr<std::unique_ptr<log::Membership>> MakeFaultyMembership(log::LogClient* log,
                                                                                    const log::MembershipOptions& options,
                                                                                    log::MembershipListener* listener,
                                                                                    Faults* faults);

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_FAULTY_LOG_H_
