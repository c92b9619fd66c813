#ifndef MILLRACE_RUNTIME_STATUS_STATUS_RECORD_H_
#define MILLRACE_RUNTIME_STATUS_STATUS_RECORD_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "millrace/state/bytes.h"
#include "millrace/state/timestamp.h"
#include "status/millrace_status.pb.h"

// Keys and values of the status topic, and the rules for those who read them.

namespace millrace {

/// The version that this program writes, and the last that it reads.
inline constexpr uint32_t kStatusVersion = 1;
inline constexpr std::string_view kManifestKey = "manifest";
inline constexpr std::string_view kInstanceKeyPrefix = "instance/";
/// Keys without a meaning of their value: "state/<state id>", and the mark of a reset that is under way.
inline constexpr std::string_view kStateKeyPrefix = "state/";
inline constexpr std::string_view kResetKey = "reset";

[[nodiscard]] std::string InstanceKey(const std::string& instance_id);

[[nodiscard]] std::string Encode(const internal::Manifest& manifest);
[[nodiscard]] std::string Encode(const internal::Instance& instance);
/// kFailedPrecondition for a record of a newer version, kDataLoss for what is no such record.
[[nodiscard]] absl::StatusOr<internal::Manifest> DecodeManifest(BytesView value);
[[nodiscard]] absl::StatusOr<internal::Instance> DecodeInstance(BytesView value);

/// Since the instance wrote the record, by the reader's clock; never negative.
[[nodiscard]] std::chrono::milliseconds AgeOf(const internal::Instance& instance, Timestamp now);
/// An instance is taken for dead when it has not written for three of its intervals, 30 s at least: it ended without saying so.
[[nodiscard]] bool IsAlive(const internal::Instance& instance, Timestamp now);
/// Dead for a day: of no use to anybody, may be removed.
[[nodiscard]] bool IsForgotten(const internal::Instance& instance, Timestamp now);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STATUS_STATUS_RECORD_H_
