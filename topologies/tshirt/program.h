#ifndef MILLRACE_TOPOLOGIES_TSHIRT_PROGRAM_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_PROGRAM_H_

namespace millrace::tshirt {

/// The command line of the shop: run, topology, generate, check and demo. The option --time-zone of all of them says in which
/// days begin and end; it has to be the same for all that run and check one shop. Its default is the environment's
/// TSHIRT_TIME_ZONE, or UTC. Returns the exit code; call on the main thread.
[[nodiscard]] int RunProgram(int argc, const char* const* argv);

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_PROGRAM_H_
