#ifndef MILLRACE_TESTS_SIMULATION_FAULTY_LOG_H_
#define MILLRACE_TESTS_SIMULATION_FAULTY_LOG_H_

#include <memory>

#include "faults.h"
#include "log/log.h"

namespace millrace::simulation {

/// A process's connection to `log` as a bad network makes it: answers come late or not at all, before or after the effect;
/// records wait in the client and die with it. Each error is one that the seam names.
[[nodiscard]] std::unique_ptr<log::LogClient> MakeFaultyClient(std::unique_ptr<log::LogClient> log, Faults* faults);

/// Of faulty_producer.cc.
[[nodiscard]] std::unique_ptr<log::Producer> MakeFaultyProducer(std::unique_ptr<log::Producer> log, Faults* faults);
[[nodiscard]] std::unique_ptr<log::TransactionalProducer> MakeFaultyProducer(std::unique_ptr<log::TransactionalProducer> log,
                                                                             Faults* faults);

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_FAULTY_LOG_H_
