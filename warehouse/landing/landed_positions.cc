#include "landing/landed_positions.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

using Json = nlohmann::json;

std::optional<int32_t> PartitionNumber(const std::string& text) {
  int32_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

std::string LandedPositions::PropertyName(const std::string& application_id, const std::string& topic) {
  return absl::StrCat(application_id, ".offsets.", topic);
}

absl::StatusOr<LandedPositions> LandedPositions::From(const std::map<std::string, std::string>& properties,
                                                      const std::string& property) {
  LandedPositions positions;
  const auto found = properties.find(property);
  if (found == properties.end()) return positions;
  const auto damaged = [&] {
    return absl::DataLossError(absl::StrCat("the table's property ", property, " is not what a landing wrote: ", found->second,
                                            "; put back what the summary of the last snapshot has, or reset the positions"));
  };
  const Json json = Json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return damaged();
  for (const auto& [name, value] : json.items()) {
    const std::optional<int32_t> number = PartitionNumber(name);
    if (!number || !value.is_object() || !value.contains("next") || !value["next"].is_number_integer()) return damaged();
    Partition& partition = positions.partitions[*number];
    partition.next = value["next"].get<int64_t>();
    if (!value.contains("time")) continue;
    if (!value["time"].is_number_integer()) return damaged();
    partition.stream_time_ms = value["time"].get<int64_t>();
  }
  return positions;
}

std::string LandedPositions::ToString() const {
  Json json = Json::object();
  for (const auto& [number, partition] : partitions) {
    Json& entry = json[std::to_string(number)];
    entry["next"] = partition.next;
    if (partition.stream_time_ms) entry["time"] = *partition.stream_time_ms;
  }
  return json.dump();
}

bool LandedPositions::Continue(const std::map<int32_t, PositionRange>& ranges) const {
  return std::all_of(ranges.begin(), ranges.end(), [&](const auto& entry) {
    const auto found = partitions.find(entry.first);
    return found == partitions.end() || found->second.next == entry.second.start;
  });
}

void LandedPositions::Advance(const std::map<int32_t, PositionRange>& ranges) {
  for (const auto& [number, range] : ranges) {
    Partition& partition = partitions[number];
    partition.next = range.end;
    if (range.stream_time_ms) {
      partition.stream_time_ms = std::max(partition.stream_time_ms.value_or(*range.stream_time_ms), *range.stream_time_ms);
    }
  }
}

std::optional<int64_t> LandedPositions::valid_through_ms() const {
  std::optional<int64_t> least;
  for (const auto& [number, partition] : partitions) {
    if (!partition.stream_time_ms) continue;
    least = std::min(least.value_or(*partition.stream_time_ms), *partition.stream_time_ms);
  }
  return least;
}

}  // namespace millrace::warehouse
