#include "warehouse_commands/topic_rows.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;

constexpr int kDrainRecords = 1000;
constexpr milliseconds kWait{100};

struct Range {
  log::TopicPartition partition;
  int64_t begin = 0;
  int64_t end = 0;
};

absl::StatusOr<std::vector<Range>> RangesOf(log::Admin* admin, const std::string& topic) {
  absl::StatusOr<std::optional<int32_t>> count = admin->PartitionCount(topic);
  if (!count.ok()) return count.status();
  if (!count->has_value()) return absl::NotFoundError(absl::StrCat("there is no topic ", topic));
  std::vector<Range> ranges;
  for (int32_t p = 0; p < **count; ++p) {
    Range& range = ranges.emplace_back();
    range.partition = {topic, p};
    absl::StatusOr<int64_t> begin = admin->BeginningOffset(range.partition);
    if (!begin.ok()) return begin.status();
    absl::StatusOr<int64_t> end = admin->EndOffset(range.partition, log::Isolation::kReadCommitted);
    if (!end.ok()) return end.status();
    range.begin = *begin;
    range.end = *end;
  }
  return ranges;
}

absl::Status ReadRange(log::Consumer* consumer, Host* host, const Range& range, milliseconds patience,
                       absl::FunctionRef<absl::Status(int32_t partition, const RawRecord& record)> take) {
  absl::StatusOr<log::PartitionReader*> reader = consumer->Assign(range.partition, range.begin);
  if (!reader.ok()) return reader.status();
  std::chrono::nanoseconds deadline = host->Monotonic() + patience;
  while ((*reader)->position() < range.end) {
    absl::Status taken;
    const int64_t before = (*reader)->position();
    absl::StatusOr<int> drained = (*reader)->Drain(kDrainRecords, [&](const RawRecord& record) {
      if (taken.ok() && record.offset < range.end) taken = take(range.partition.partition, record);
    });
    if (!drained.ok()) return drained.status();
    if (!taken.ok()) return taken;
    if ((*reader)->position() > before) {
      deadline = host->Monotonic() + patience;
    } else if (host->Monotonic() > deadline) {
      return absl::DeadlineExceededError(absl::StrCat("reading ", range.partition.ToString(), " stopped at offset ", before,
                                                      " of ", range.end, ": nothing came for ", patience.count(), " ms"));
    } else {
      consumer->Wait(kWait);
    }
  }
  return consumer->Unassign(range.partition);
}

}  // namespace

absl::Status ReadCommittedRecords(log::LogClient* client, Host* host, const std::string& topic, milliseconds patience,
                                  absl::FunctionRef<absl::Status(int32_t partition, const RawRecord& record)> take) {
  absl::StatusOr<std::vector<Range>> ranges = RangesOf(&client->admin(), topic);
  if (!ranges.ok()) return ranges.status();
  log::ConsumerOptions options;
  options.isolation = log::Isolation::kReadCommitted;
  absl::StatusOr<std::unique_ptr<log::Consumer>> consumer = client->NewConsumer(options);
  if (!consumer.ok()) return consumer.status();
  for (const Range& range : *ranges) {
    if (range.begin == range.end) continue;
    if (absl::Status status = ReadRange(consumer->get(), host, range, patience, take); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace millrace
