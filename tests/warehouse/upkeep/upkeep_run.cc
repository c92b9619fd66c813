// Lands payments by many commits, with a clock that goes on by one interval at each, and prints what the table is then.
//   warehouse_upkeep_run FOLDER COMMITS INTERVAL_MS ROWS [NAME=VALUE...]
// Goes on where the table in the folder is. Values are settings of the table. Files have the time of that clock. The catalog is
// fs, or sql with catalog=postgresql://....

#include <google/protobuf/descriptor.pb.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "catalog/fs_catalog.h"
#include "catalog/sql_catalog.h"
#include "landing/table_warehouse.h"
#include "storage/local_storage.h"
#include "table/table_scan.h"
#include "tshirt.pb.h"

namespace millrace::warehouse {
namespace {

constexpr int kPartitions = 2;

/// Files of the local disk, whose times are those of another clock.
class TimedStorage final : public Storage {
 public:
  explicit TimedStorage(const int64_t* now_ms) : now_ms_(now_ms) {}

  absl::StatusOr<std::string> Read(const std::string& path) override { return files_.Read(path); }
  absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t size) override {
    return files_.ReadRange(path, offset, size);
  }
  absl::Status Write(const std::string& path, std::string_view content) override {
    times_[path] = *now_ms_;
    return files_.Write(path, content);
  }
  absl::StatusOr<bool> WriteIfAbsent(const std::string& path, std::string_view content) override {
    times_[path] = *now_ms_;
    return files_.WriteIfAbsent(path, content);
  }
  absl::Status Upload(const std::string& local_file, const std::string& path) override {
    times_[path] = *now_ms_;
    return files_.Upload(local_file, path);
  }
  absl::Status List(const std::string& folder, const std::function<void(const FileInfo&)>& file) override {
    return files_.List(folder, [&](const FileInfo& found) {
      FileInfo timed = found;
      if (const auto time = times_.find(found.path); time != times_.end()) timed.modified_ms = time->second;
      file(timed);
    });
  }
  absl::Status Delete(const std::string& path) override { return files_.Delete(path); }

 private:
  const int64_t* const now_ms_;
  LocalStorage files_;
  std::map<std::string, int64_t> times_;
};

LandingDescription Payments(std::map<std::string, std::string> settings) {
  LandingDescription description;
  description.application_id = "upkeep";
  description.topic = "payments";
  description.name_space = "shop";
  description.table = "payments";
  description.message = "millrace.tshirt.v1.Payment";
  google::protobuf::FileDescriptorSet set;
  const auto* file = tshirt::v1::Payment::descriptor()->file();
  file->dependency(0)->CopyTo(set.add_file());
  file->CopyTo(set.add_file());
  description.descriptor_set = set.SerializeAsString();
  description.settings = std::move(settings);
  return description;
}

absl::Status CommitOnce(TableLanding* landing, int64_t now_ms, int rows, std::map<int32_t, int64_t>* positions) {
  std::map<int32_t, PositionRange> ranges;
  for (int32_t partition = 0; partition < kPartitions; ++partition) {
    const int64_t start = (*positions)[partition];
    for (int64_t offset = start; offset < start + rows / kPartitions; ++offset) {
      tshirt::v1::Payment payment;
      payment.set_payment_id(offset * kPartitions + partition);
      payment.set_order_id(offset);
      payment.set_amount_cents(offset * 7919 % 10000);
      payment.set_currency(offset % 3 == 0 ? "EUR" : "NOK");
      const std::string value = payment.SerializeAsString();
      absl::Status appended = landing->Append({partition, offset, now_ms, BytesView("key"), BytesView(value)});
      if (!appended.ok()) return appended;
    }
    (*positions)[partition] = start + rows / kPartitions;
    ranges[partition] = {start, (*positions)[partition], now_ms};
  }
  const absl::StatusOr<bool> done = landing->Commit(ranges);
  if (!done.ok()) return done.status();
  if (!*done) return absl::InternalError("nobody else commits, and still a commit was lost");
  landing->Upkeep();
  return absl::OkStatus();
}

absl::StatusOr<nlohmann::json> Describe(Storage* storage, Catalog* catalog, const LandingCounts& counts) {
  absl::StatusOr<LoadedTable> table = catalog->Load({"shop", "payments"});
  if (!table.ok()) return table.status();
  const Snapshot& snapshot = *table->metadata.current_snapshot();
  absl::StatusOr<std::vector<LiveFile>> live = ReadLiveFiles(*storage, table->metadata, snapshot);
  if (!live.ok()) return live.status();
  int64_t live_bytes = 0;
  int64_t rows = 0;
  for (const LiveFile& file : *live) {
    live_bytes += file.file.size_bytes;
    rows += file.file.record_count;
  }
  std::map<std::string, std::pair<int64_t, int64_t>> stored;
  int64_t json_files = 0;
  for (const char* folder : {"data", "metadata"}) {
    absl::Status status = storage->List(table->metadata.location + "/" + folder, [&](const Storage::FileInfo& file) {
      ++stored[folder].first;
      if (file.path.ends_with(".metadata.json")) ++json_files;
      stored[folder].second += file.size_bytes;
    });
    if (!status.ok()) return status;
  }
  return nlohmann::json{{"metadata_file", table->metadata_file},
                        {"rows", rows},
                        {"live_files", live->size()},
                        {"live_bytes", live_bytes},
                        {"snapshots", table->metadata.snapshots.size()},
                        {"manifests", ReadManifestList(*storage, snapshot)->size()},
                        {"stored_data_files", stored["data"].first},
                        {"stored_data_bytes", stored["data"].second},
                        {"metadata_files", stored["metadata"].first},
                        {"metadata_bytes", stored["metadata"].second},
                        {"json_files", json_files},
                        {"compactions", counts.compactions},
                        {"files_compacted", counts.files_compacted},
                        {"snapshots_expired", counts.snapshots_expired},
                        {"files_deleted", counts.files_deleted},
                        {"upkeep_errors", counts.upkeep_errors},
                        {"last_upkeep_error", counts.last_upkeep_error}};
}

std::shared_ptr<Catalog> MakeCatalog(std::shared_ptr<Storage> storage, std::string warehouse, std::string address,
                                     std::function<int64_t()> clock) {
  if (address.empty()) return std::make_shared<FsCatalog>(std::move(storage), std::move(warehouse), std::move(clock));
  SqlCatalogOptions options;
  options.address = std::move(address);
  options.catalog_name = "upkeep";
  options.warehouse = std::move(warehouse);
  options.clock = std::move(clock);
  return std::make_shared<SqlCatalog>(std::move(storage), std::move(options));
}

absl::Status Run(const std::string& folder, int commits, int64_t interval_ms, int rows,
                 std::map<std::string, std::string> settings) {
  std::string catalog_address = std::exchange(settings["catalog"], "");
  settings.erase("catalog");
  std::filesystem::create_directories(folder + "/spool");
  int64_t now_ms = SystemClock();
  auto storage = std::make_shared<TimedStorage>(&now_ms);
  const std::shared_ptr<Catalog> catalog =
      MakeCatalog(storage, "file://" + folder, std::move(catalog_address), [&] { return now_ms; });
  auto warehouse = TableWarehouse::Open(storage, catalog, folder + "/spool", [&] { return now_ms; });
  if (!warehouse.ok()) return warehouse.status();
  if (absl::StatusOr<LoadedTable> table = catalog->Load({"shop", "payments"}); table.ok()) {
    now_ms = table->metadata.last_updated_ms;
  }
  auto landing = (*warehouse)->OpenLanding(Payments(std::move(settings)));
  if (!landing.ok()) return landing.status();
  absl::StatusOr<std::map<int32_t, int64_t>> positions = (*landing)->Positions();
  if (!positions.ok()) return positions.status();
  for (int commit = 0; commit < commits; ++commit) {
    now_ms += interval_ms;
    if (absl::Status status = CommitOnce(landing->get(), now_ms, rows, &*positions); !status.ok()) return status;
  }
  absl::StatusOr<nlohmann::json> description = Describe(storage.get(), catalog.get(), (*landing)->counts());
  if (!description.ok()) return description.status();
  printf("%s\n", description->dump().c_str());
  return absl::OkStatus();
}

}  // namespace
}  // namespace millrace::warehouse

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  std::map<std::string, std::string> settings;
  for (int i = 5; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (equals == std::string::npos) return 2;
    settings[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  const absl::Status status =
      millrace::warehouse::Run(argv[1], std::stoi(argv[2]), std::stoll(argv[3]), std::stoi(argv[4]), settings);
  if (status.ok()) return 0;
  fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
