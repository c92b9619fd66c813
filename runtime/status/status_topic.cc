#include "status/status_topic.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "status/status_record.h"
#include "task/located_status.h"

namespace millrace {
namespace {

constexpr std::chrono::seconds kReadLimit{30};
constexpr std::chrono::seconds kFlushLimit{30};
constexpr std::chrono::milliseconds kReadStep{20};
constexpr int kBatch = 1000;

void Apply(const RawRecord& record, StatusTopicContents* contents) {
  if (!record.key) return;
  if (*record.key == BytesView(kManifestKey)) {
    contents->manifest.reset();
    if (record.value) contents->manifest = std::string(*record.value);
  } else if (record.key->starts_with(kInstanceKeyPrefix)) {
    const std::string id(record.key->substr(kInstanceKeyPrefix.size()));
    contents->instances.erase(id);
    if (record.value) contents->instances[id] = std::string(*record.value);
  } else if (record.key->starts_with(kStateKeyPrefix)) {
    if (contents->state_id.empty()) contents->state_id = std::string(record.key->substr(kStateKeyPrefix.size()));
  } else if (*record.key == BytesView(kResetKey)) {
    contents->reset_under_way = record.value.has_value();
  }
}

absl::StatusOr<StatusTopicContents> Read(const log::TopicPartition& partition, log::LogClient* client, Host* host) {
  auto begin = client->admin().BeginningOffset(partition);
  if (!begin.ok()) return begin.status();
  auto end = client->admin().EndOffset(partition, log::Isolation::kReadUncommitted);
  if (!end.ok()) return end.status();
  StatusTopicContents contents;
  if (*begin >= *end) return contents;
  auto consumer = client->NewConsumer({log::Isolation::kReadUncommitted, 1, /*restore=*/false, ""});
  if (!consumer.ok()) return consumer.status();
  auto reader = (*consumer)->Assign(partition, *begin);
  if (!reader.ok()) return reader.status();
  const std::chrono::nanoseconds deadline = host->Monotonic() + kReadLimit;
  while ((*reader)->position() < *end) {
    auto drained = (*reader)->Drain(kBatch, [&](const RawRecord& record) { Apply(record, &contents); });
    if (!drained.ok()) return drained.status();
    if (*drained > 0) continue;
    if (host->Monotonic() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("stands at offset ", (*reader)->position(), " of ", *end, " after ", kReadLimit.count(), " s"));
    }
    (*consumer)->Wait(kReadStep);
  }
  return contents;
}

}  // namespace

std::string StatusTopicName(const std::string& application_id) { return absl::StrCat(application_id, "-status"); }

// Each instance writes its record again and again: small segments, closed soon, let the broker compact them away, so that the
// topic stays readable in one go. Readers are never away for longer than tombstones are kept.
log::TopicSpec StatusTopicSpec(const std::string& application_id, int16_t replication_factor) {
  return {StatusTopicName(application_id),
          1,
          replication_factor,
          {{"cleanup.policy", "compact"},
           {"message.timestamp.type", "CreateTime"},
           {"segment.bytes", "1048576"},
           {"segment.ms", "600000"},
           {"min.cleanable.dirty.ratio", "0.1"},
           {"delete.retention.ms", "3600000"}}};
}

absl::StatusOr<StatusTopicContents> ReadStatusTopic(const std::string& topic, log::LogClient* client, Host* host) {
  auto contents = Read({topic, 0}, client, host);
  if (contents.ok()) return contents;
  return At(contents.status(), "read topic " + topic);
}

absl::Status WriteStatusTopic(const std::string& topic, log::LogClient* client, Timestamp now,
                              const std::vector<std::pair<std::string, NullableBytes>>& records) {
  if (records.empty()) return absl::OkStatus();
  auto producer = client->NewProducer();
  absl::Status status = producer.status();
  for (const auto& [key, value] : records) {
    if (!status.ok()) break;
    const NullableBytesView view = value ? NullableBytesView(*value) : std::nullopt;
    status = (*producer)->Send(topic, 0, BytesView(key), view, now, Headers::Empty(), nullptr);
  }
  if (status.ok()) status = (*producer)->Flush(kFlushLimit);
  if (status.ok() && (*producer)->outstanding() > 0) {
    status = absl::DeadlineExceededError(absl::StrCat("not delivered within ", kFlushLimit.count(), " s"));
  }
  return status.ok() ? status : At(status, "write to topic " + topic);
}

}  // namespace millrace
