#include "serving/serving_offsets.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "serving/serving_columns.h"
#include "serving/serving_table.h"

namespace millrace::warehouse {
namespace {

constexpr char kWhose[] = R"(application = $1 AND table_name = $2 AND topic = $3)";

/// Ranges as arrays of PostgreSQL: partitions, starts, ends, times.
struct Arrays {
  explicit Arrays(const std::map<int32_t, PositionRange>& ranges) {
    for (const auto& [partition, range] : ranges) {
      const char* const comma = partitions == "{" ? "" : ",";
      absl::StrAppend(&partitions, comma, partition);
      absl::StrAppend(&starts, comma, range.start);
      absl::StrAppend(&ends, comma, range.end);
      absl::StrAppend(&times, comma, range.stream_time_ms ? std::to_string(*range.stream_time_ms) : "NULL");
    }
    for (std::string* array : {&partitions, &starts, &ends, &times}) array->push_back('}');
  }
  std::string partitions = "{";
  std::string starts = "{";
  std::string ends = "{";
  std::string times = "{";
};

std::map<int32_t, int64_t> PositionsIn(const PostgresSession::Result& result) {
  std::map<int32_t, int64_t> positions;
  for (const auto& row : result.rows) {
    int32_t partition = 0;
    int64_t next = 0;
    if (absl::SimpleAtoi(row[0].value_or(""), &partition) && absl::SimpleAtoi(row[1].value_or(""), &next))
      positions[partition] = next;
  }
  return positions;
}

}  // namespace

ServingOffsets::ServingOffsets(const LandingDescription& description)
    : table_(Quoted(description.name_space, kServingOffsets)),
      application_id_(description.application_id),
      of_table_(description.table),
      topic_(description.topic) {}

absl::StatusOr<std::map<int32_t, int64_t>> ServingOffsets::Read(PostgresSession* session) {
  const auto result = session->Run(absl::StrCat(R"(SELECT "partition", next_offset FROM )", table_, " WHERE ", kWhose),
                                   {application_id_, of_table_, topic_});
  if (!result.ok()) return result.status();
  return PositionsIn(*result);
}

// In the order of partitions, in which everybody locks them.
absl::StatusOr<std::map<int32_t, int64_t>> ServingOffsets::Lock(PostgresSession* session,
                                                                const std::map<int32_t, PositionRange>& ranges) {
  const auto result = session->Run(absl::StrCat(R"(SELECT "partition", next_offset FROM )", table_, " WHERE ", kWhose,
                                                R"( AND "partition" = ANY($4::int[]) ORDER BY "partition" FOR UPDATE)"),
                                   {application_id_, of_table_, topic_, Arrays(ranges).partitions});
  if (!result.ok()) return result.status();
  return PositionsIn(*result);
}

absl::StatusOr<bool> ServingOffsets::Advance(PostgresSession* session, const std::map<int32_t, PositionRange>& ranges,
                                             const std::set<int32_t>& known) {
  std::map<int32_t, PositionRange> begun;
  std::map<int32_t, PositionRange> fresh;
  for (const auto& [partition, range] : ranges) (known.count(partition) != 0 ? begun : fresh)[partition] = range;
  if (!begun.empty()) {
    const absl::StatusOr<std::map<int32_t, int64_t>> locked = Lock(session, begun);
    if (!locked.ok()) return locked.status();
    const Arrays arrays(begun);
    const auto moved = session->Run(
        absl::StrCat("UPDATE ", table_,
                     R"( o SET next_offset = r.next, stream_time_ms = GREATEST(o.stream_time_ms, r.time), committed_at = now() )"
                     R"(FROM unnest($4::int[], $5::bigint[], $6::bigint[], $7::bigint[]) AS r(part, start, next, time) WHERE )",
                     kWhose, R"( AND o."partition" = r.part AND o.next_offset = r.start)"),
        {application_id_, of_table_, topic_, arrays.partitions, arrays.starts, arrays.ends, arrays.times});
    if (!moved.ok()) return moved.status();
    if (moved->affected != static_cast<int64_t>(begun.size())) return false;
  }
  if (fresh.empty()) return true;
  const Arrays arrays(fresh);
  const auto added = session->Run(
      absl::StrCat("INSERT INTO ", table_, R"( (application, table_name, topic, "partition", next_offset, stream_time_ms) )",
                   "SELECT $1, $2, $3, r.part, r.next, r.time FROM unnest($4::int[], $5::bigint[], $6::bigint[]) ",
                   "AS r(part, next, time) ORDER BY r.part ON CONFLICT DO NOTHING"),
      {application_id_, of_table_, topic_, arrays.partitions, arrays.ends, arrays.times});
  if (!added.ok()) return added.status();
  return added->affected == static_cast<int64_t>(fresh.size());
}

absl::StatusOr<ServingOffsets::Outcome> ServingOffsets::Look(PostgresSession* session,
                                                             const std::map<int32_t, PositionRange>& ranges,
                                                             const std::set<int32_t>& known) {
  const absl::StatusOr<std::map<int32_t, int64_t>> positions = Lock(session, ranges);
  if (!positions.ok()) return positions.status();
  bool done = true;
  bool untouched = true;
  for (const auto& [partition, range] : ranges) {
    const auto found = positions->find(partition);
    const bool there = found != positions->end();
    done &= there && found->second == range.end;
    untouched &= known.count(partition) != 0 ? there && found->second == range.start : !there;
  }
  return done ? Outcome::kDone : untouched ? Outcome::kNotDone : Outcome::kOther;
}

}  // namespace millrace::warehouse
