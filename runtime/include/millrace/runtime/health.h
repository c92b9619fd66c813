#ifndef MILLRACE_RUNTIME_HEALTH_H_
#define MILLRACE_RUNTIME_HEALTH_H_

#include <string>

namespace millrace {

/// An answer to a health probe.
struct Health {
  bool ok = false;
  /// Why: a JSON object.
  std::string body;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_HEALTH_H_
