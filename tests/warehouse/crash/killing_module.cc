// The warehouse module, with ways to die in the middle of a commit, and with the fault that it exists to avoid. By variables of
// the environment:
//   WAREHOUSE_KILL_AT=POINT:N   SIGKILL at the N-th pass of a point: before- or after- one of upload, manifest, list, swap, hint,
//   delete WAREHOUSE_OFFSETS_FILE=F    positions are kept in F, beside the table, and not in it

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "landing/open_warehouse.h"
#include "millrace/warehouse/warehouse.h"
#include "storage/storage.h"

namespace millrace::warehouse {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

void Pass(const std::string& point) {
  static const std::string wanted = Variable("WAREHOUSE_KILL_AT");
  static const size_t colon = wanted.find(':');
  static std::atomic<int> left = colon == std::string::npos ? 0 : std::atoi(wanted.c_str() + colon + 1);
  if (colon == std::string::npos || point != wanted.substr(0, colon) || --left != 0) return;
  fprintf(stderr, "killed at %s\n", wanted.c_str());
  (void)kill(getpid(), SIGKILL);
}

std::string KindOf(const std::string& path) {
  if (path.ends_with(".metadata.json")) return "swap";
  if (path.ends_with("version-hint.text")) return "hint";
  if (path.ends_with(".avro")) return path.find("/snap-") != std::string::npos ? "list" : "manifest";
  return "upload";
}

template <class Act>
auto Between(const std::string& path, Act act) {
  const std::string kind = KindOf(path);
  Pass("before-" + kind);
  auto result = act();
  Pass("after-" + kind);
  return result;
}

class KillingStorage final : public Storage {
 public:
  explicit KillingStorage(std::shared_ptr<Storage> storage) : storage_(std::move(storage)) {}

  absl::StatusOr<std::string> Read(const std::string& path) override { return storage_->Read(path); }
  absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t size) override {
    return storage_->ReadRange(path, offset, size);
  }
  absl::Status Write(const std::string& path, std::string_view content) override {
    return Between(path, [&] { return storage_->Write(path, content); });
  }
  absl::StatusOr<bool> WriteIfAbsent(const std::string& path, std::string_view content) override {
    return Between(path, [&] { return storage_->WriteIfAbsent(path, content); });
  }
  absl::Status Upload(const std::string& local_file, const std::string& path) override {
    return Between(path, [&] { return storage_->Upload(local_file, path); });
  }
  absl::Status List(const std::string& folder, const std::function<void(const FileInfo&)>& file) override {
    return storage_->List(folder, file);
  }
  absl::Status Delete(const std::string& path) override {
    Pass("before-delete");
    absl::Status status = storage_->Delete(path);
    Pass("after-delete");
    return status;
  }

 private:
  const std::shared_ptr<Storage> storage_;
};

/// Believes a file beside the table, as landings do that commit offsets to Kafka.
class OffsetsOutside final : public TableLanding {
 public:
  OffsetsOutside(std::unique_ptr<TableLanding> landing, std::string file)
      : landing_(std::move(landing)), file_(std::move(file)) {}

  absl::StatusOr<std::map<int32_t, int64_t>> Positions() override {
    if (auto positions = landing_->Positions(); !positions.ok()) return positions.status();
    std::map<int32_t, int64_t> positions;
    std::ifstream file(file_);
    for (int32_t partition = 0; file >> partition;) file >> positions[partition];
    return positions;
  }
  absl::Status Append(const LandedRecord& record) override { return landing_->Append(record); }
  absl::Status Refuse(const LandedRecord& record, const std::string& why) override { return landing_->Refuse(record, why); }
  [[nodiscard]] int64_t pending_bytes() const override { return landing_->pending_bytes(); }
  absl::StatusOr<bool> Commit(const std::map<int32_t, PositionRange>& ranges) override {
    auto in_table = landing_->Positions();
    if (!in_table.ok()) return in_table.status();
    std::map<int32_t, PositionRange> fitting = ranges;
    for (auto& [partition, range] : fitting) {
      if (const auto known = in_table->find(partition); known != in_table->end()) range.start = known->second;
    }
    absl::StatusOr<bool> done = landing_->Commit(fitting);
    if (!done.ok() || !*done) return done;
    auto positions = Positions();
    if (!positions.ok()) return positions.status();
    for (const auto& [partition, range] : ranges) (*positions)[partition] = range.end;
    (void)usleep(3000);
    std::ofstream file(file_ + ".new");
    for (const auto& [partition, position] : *positions) file << partition << ' ' << position << '\n';
    file.close();
    if (std::rename((file_ + ".new").c_str(), file_.c_str()) != 0) return absl::InternalError("the file of offsets");
    return true;
  }
  void Drop() override { landing_->Drop(); }
  void Upkeep() override { landing_->Upkeep(); }
  [[nodiscard]] LandingCounts counts() const override { return landing_->counts(); }

 private:
  const std::unique_ptr<TableLanding> landing_;
  const std::string file_;
};

class OffsetsOutsideWarehouse final : public Warehouse {
 public:
  OffsetsOutsideWarehouse(std::unique_ptr<Warehouse> warehouse, std::string file)
      : warehouse_(std::move(warehouse)), file_(std::move(file)) {}

  absl::StatusOr<std::unique_ptr<TableLanding>> OpenLanding(const LandingDescription& description) override {
    auto landing = warehouse_->OpenLanding(description);
    if (!landing.ok()) return landing.status();
    return std::make_unique<OffsetsOutside>(*std::move(landing), file_);
  }
  absl::StatusOr<std::vector<TableInfo>> Tables() override { return warehouse_->Tables(); }
  absl::StatusOr<std::vector<std::string>> TablesLandedBy(const std::string& application_id) override {
    return warehouse_->TablesLandedBy(application_id);
  }
  absl::Status ResetPositions(const std::string& application_id, bool remove_rows) override {
    return warehouse_->ResetPositions(application_id, remove_rows);
  }

 private:
  const std::unique_ptr<Warehouse> warehouse_;
  const std::string file_;
};

}  // namespace
}  // namespace millrace::warehouse

extern "C" __attribute__((visibility("default"))) millrace::warehouse::Warehouse* MillraceOpenWarehouse(
    const std::map<std::string, std::string>& settings, absl::Status* error) {
  using namespace millrace::warehouse;
  auto opened = OpenTableWarehouse(settings, [](std::shared_ptr<Storage> storage) -> std::shared_ptr<Storage> {
    return std::make_shared<KillingStorage>(std::move(storage));
  });
  if (!opened.ok()) {
    *error = opened.status();
    return nullptr;
  }
  const std::string file = Variable("WAREHOUSE_OFFSETS_FILE");
  if (file.empty()) return opened->release();
  return new OffsetsOutsideWarehouse(*std::move(opened), file);
}
