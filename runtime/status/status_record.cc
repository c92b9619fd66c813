#include "status/status_record.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

using internal::Instance;
using internal::Manifest;
using internal::StatusRecord;

constexpr std::chrono::milliseconds kLeastSilence = std::chrono::seconds(30);
constexpr int kMissedIntervals = 3;
constexpr std::chrono::milliseconds kForgottenAfter = std::chrono::hours(24);

absl::StatusOr<StatusRecord> Decode(BytesView value) {
  StatusRecord record;
  const bool parsed = value.size() <= static_cast<size_t>(std::numeric_limits<int>::max()) &&
                      record.ParseFromArray(value.data(), static_cast<int>(value.size()));
  if (!parsed || record.version() == 0) {
    return absl::DataLossError(absl::StrCat("its ", value.size(), " bytes are no status record of Millrace"));
  }
  if (record.version() > kStatusVersion) {
    return absl::FailedPreconditionError(absl::StrCat("it was written by a newer version of Millrace (format ", record.version(),
                                                      ", this program reads up to ", kStatusVersion, "); upgrade this program"));
  }
  return record;
}

}  // namespace

std::string InstanceKey(const std::string& instance_id) { return absl::StrCat(std::string(kInstanceKeyPrefix), instance_id); }

std::string Encode(const Manifest& manifest) {
  StatusRecord record;
  record.set_version(kStatusVersion);
  *record.mutable_manifest() = manifest;
  return record.SerializeAsString();
}

std::string Encode(const Instance& instance) {
  StatusRecord record;
  record.set_version(kStatusVersion);
  *record.mutable_instance() = instance;
  return record.SerializeAsString();
}

absl::StatusOr<Manifest> DecodeManifest(BytesView value) {
  auto record = Decode(value);
  if (!record.ok()) return record.status();
  if (!record->has_manifest()) return absl::DataLossError("it is a status record, but no manifest");
  return std::move(*record->mutable_manifest());
}

absl::StatusOr<Instance> DecodeInstance(BytesView value) {
  auto record = Decode(value);
  if (!record.ok()) return record.status();
  if (!record->has_instance()) return absl::DataLossError("it is a status record, but not of an instance");
  return std::move(*record->mutable_instance());
}

std::chrono::milliseconds AgeOf(const Instance& instance, Timestamp now) {
  return std::chrono::milliseconds(std::max<int64_t>(0, now.millis() - instance.written_ms()));
}

bool IsAlive(const Instance& instance, Timestamp now) {
  const std::chrono::milliseconds interval(std::clamp<int64_t>(instance.interval_ms(), 0, kForgottenAfter.count()));
  return AgeOf(instance, now) <= std::max(kLeastSilence, kMissedIntervals * interval);
}

bool IsForgotten(const Instance& instance, Timestamp now) {
  return !IsAlive(instance, now) && AgeOf(instance, now) > kForgottenAfter;
}

}  // namespace millrace
