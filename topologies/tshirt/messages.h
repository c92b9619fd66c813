#ifndef MILLRACE_TOPOLOGIES_TSHIRT_MESSAGES_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_MESSAGES_H_

#include <cstdint>

#include "tshirt.pb.h"

namespace millrace::tshirt {

// The one version of the schema that this program speaks.
using namespace v1;  // NOLINT(google-build-using-namespace)

/// The times of messages, in milliseconds.
[[nodiscard]] inline int64_t Millis(const google::protobuf::Timestamp& t) { return t.seconds() * 1000 + t.nanos() / 1000000; }
[[nodiscard]] inline google::protobuf::Timestamp ToProto(int64_t millis) {
  google::protobuf::Timestamp t;
  t.set_seconds(millis / 1000);
  t.set_nanos(static_cast<int32_t>(millis % 1000) * 1000000);
  return t;
}

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_MESSAGES_H_
