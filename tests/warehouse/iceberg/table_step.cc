// One step of a table's life, for readers_test.py:
//   create LOCATION SCHEMA SPEC OUT     append IN OUT FILES         replace IN OUT FILES REMOVED
//   merge IN OUT                        expire IN OUT KEEP          evolve IN OUT SCHEMA          live IN
// IN, OUT: metadata files. SCHEMA, SPEC, FILES, REMOVED: JSON. Prints JSON, or an error with exit code 1.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "storage/local_storage.h"
#include "table/expiry.h"
#include "table/json_members.h"
#include "table/partition_json.h"
#include "table/partition_values.h"
#include "table/schema_json.h"
#include "table/snapshot_producer.h"
#include "table/table_scan.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

[[noreturn]] void Fail(const absl::Status& status) {
  std::cerr << status << "\n";
  std::exit(1);
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(value.status());
  return *std::move(value);
}

void Must(const absl::Status& status) {
  if (!status.ok()) Fail(status);
}

std::map<int, int64_t> Counts(const json& object) {
  std::map<int, int64_t> counts;
  for (const auto& [id, count] : object.items()) counts[std::stoi(id)] = count;
  return counts;
}

std::map<int, std::string> Bounds(const json& object) {
  std::map<int, std::string> bounds;
  for (const auto& [id, hex] : object.items()) bounds[std::stoi(id)] = absl::HexStringToBytes(hex.get<std::string>());
  return bounds;
}

PartitionValue Value(const json& value, const Type& type) {
  if (value.is_null()) return {};
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return value.get<std::string>();
  const bool is_long = type.kind == Type::Kind::kLong || type.kind == Type::Kind::kTimestampTz;
  return is_long ? PartitionValue(value.get<int64_t>()) : PartitionValue(value.get<int32_t>());
}

std::vector<DataFile> Files(const TableMetadata& table, const json& list) {
  const std::vector<Type> types = Must(PartitionTypes(table.spec(), table.schema()));
  std::vector<DataFile> files;
  for (const json& entry : list) {
    DataFile file;
    file.path = entry["path"];
    for (size_t i = 0; i < types.size(); ++i) file.partition.push_back(Value(entry["partition"][i], types[i]));
    file.record_count = entry["rows"];
    file.size_bytes = entry["bytes"];
    file.value_counts = Counts(entry["value_counts"]);
    file.null_value_counts = Counts(entry["null_value_counts"]);
    file.lower_bounds = Bounds(entry["lower_bounds"]);
    file.upper_bounds = Bounds(entry["upper_bounds"]);
    file.split_offsets = {4};
    files.push_back(std::move(file));
  }
  return files;
}

class Step {
 public:
  explicit Step(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}

  void Run() {
    const std::string& what = arguments_.at(0);
    if (what == "create") return Create();
    in_ = arguments_.at(1);
    base_ = Must(TableMetadata::Parse(Must(storage_.Read(in_)), in_));
    if (what == "live") return Live();
    TableUpdate update;
    if (what == "evolve") {
      update.schema = Must(SchemaFromJson(Argument(3), "argument"));
    } else if (what == "expire") {
      constexpr int64_t kEver = INT64_MAX;
      update.removed_snapshots = Must(ExpiredSnapshots(base_, kEver, std::stoul(arguments_.at(3))));
    } else {
      update.snapshot = NewSnapshot(what);
    }
    const TableMetadata after = Must(Apply(base_, in_, update, now_ms_, INT64_MAX / 2));
    Must(storage_.Write(arguments_.at(2), after.Serialize()));
    const auto unreferenced = Must(UnreferencedFiles(storage_, base_, after));
    for (const std::string& file : unreferenced) Must(storage_.Delete(file));
    std::cout << json({{"deleted", unreferenced}}) << "\n";
  }

 private:
  json Argument(size_t index) { return Must(ParseJson(arguments_.at(index), "argument")); }

  void Create() {
    const Schema schema = Must(SchemaFromJson(Argument(2), "argument"));
    const PartitionSpec spec = Must(SpecFromJson(Argument(3), "argument"));
    const auto table = TableMetadata::New(arguments_.at(1), schema, spec, now_ms_, {{"owner", "test"}});
    Must(storage_.Write(arguments_.at(4), table.Serialize()));
    std::cout << SchemaToJson(table.schema()) << "\n";
  }

  Snapshot NewSnapshot(const std::string& what) {
    SnapshotProducer producer(&storage_);
    if (what == "merge") {
      producer.MergeManifests(2, int64_t{8} << 20);
    } else {
      Must(producer.Add(base_, Files(base_, Argument(3))));
    }
    if (what == "replace") producer.Remove(Argument(4), SnapshotProducer::Removal::kReplace);
    return Must(producer.Build(base_, {{"step", what}}, now_ms_));
  }

  void Live() {
    json files = json::object();
    for (const LiveFile& live : Must(ReadLiveFiles(storage_, base_, *base_.current_snapshot()))) {
      files[live.file.path] = {{"rows", live.file.record_count}, {"partition", PartitionPath(base_.spec(), live.file.partition)}};
    }
    std::cout << files << "\n";
  }

  std::vector<std::string> arguments_;
  LocalStorage storage_;
  std::string in_;
  TableMetadata base_;
  const int64_t now_ms_ =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
};

}  // namespace
}  // namespace millrace::warehouse

int main(int argc, char** argv) {
  millrace::warehouse::Step(std::vector<std::string>(argv + 1, argv + argc)).Run();
  return 0;
}
