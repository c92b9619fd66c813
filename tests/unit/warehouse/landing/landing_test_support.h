#ifndef MILLRACE_TESTS_UNIT_WAREHOUSE_LANDING_LANDING_TEST_SUPPORT_H_
#define MILLRACE_TESTS_UNIT_WAREHOUSE_LANDING_LANDING_TEST_SUPPORT_H_

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "catalog/fs_catalog.h"
#include "landing/table_committer.h"
#include "millrace/warehouse/warehouse.h"
#include "storage/local_storage.h"
#include "storage/random_name.h"
#include "table/table_scan.h"
#include "tshirt.pb.h"

namespace millrace::warehouse {

/// A catalog in which others win races, or answers are lost, as a test says.
class FaultyCatalog final : public Catalog {
 public:
  explicit FaultyCatalog(std::unique_ptr<Catalog> catalog) : catalog_(std::move(catalog)) {}

  /// Called before the next commit, once.
  std::function<void()> before_commit;
  /// The next commit happens, and its answer does not come.
  bool lose_answer = false;
  /// The next commit does not happen, and nobody knows.
  bool lose_request = false;

  absl::Status Probe() override { return catalog_->Probe(); }
  absl::StatusOr<std::vector<TableName>> List() override { return catalog_->List(); }
  absl::StatusOr<LoadedTable> Load(const TableName& name) override { return catalog_->Load(name); }
  absl::StatusOr<LoadedTable> Create(const TableName& name, const Schema& schema, const PartitionSpec& partition_by,
                                     const std::map<std::string, std::string>& properties) override {
    return catalog_->Create(name, schema, partition_by, properties);
  }
  absl::StatusOr<std::optional<LoadedTable>> Commit(const TableName& name, const LoadedTable& base,
                                                    const TableUpdate& update) override {
    if (auto act = std::exchange(before_commit, nullptr)) act();
    if (std::exchange(lose_request, false)) return absl::UnavailableError("the request was lost");
    auto done = catalog_->Commit(name, base, update);
    if (std::exchange(lose_answer, false)) return absl::DeadlineExceededError("the answer was lost");
    return done;
  }
  [[nodiscard]] std::chrono::milliseconds MetadataKept() const override { return catalog_->MetadataKept(); }

 private:
  const std::unique_ptr<Catalog> catalog_;
};

/// A warehouse in a folder of its own.
class LandingFixture : public testing::Test {
 protected:
  LandingFixture() {
    std::filesystem::create_directories(spool_);
    description_.application_id = "app";
    description_.topic = "payments";
    description_.name_space = "shop";
    description_.table = "payments";
    description_.message = "millrace.tshirt.v1.Payment";
    google::protobuf::FileDescriptorSet set;
    const auto* file = tshirt::v1::Payment::descriptor()->file();
    file->dependency(0)->CopyTo(set.add_file());
    file->CopyTo(set.add_file());
    description_.descriptor_set = set.SerializeAsString();
  }
  ~LandingFixture() override { std::filesystem::remove_all(folder_); }

  static std::string Payment(int64_t id) {
    tshirt::v1::Payment payment;
    payment.set_payment_id(id);
    payment.set_amount_cents(100 * id);
    payment.set_currency("EUR");
    return payment.SerializeAsString();
  }
  /// Rows of the data files of a table's newest snapshot; 0 if there is no such table or snapshot.
  int64_t Rows(const std::string& table) {
    const auto loaded = catalog_.Load({"shop", table});
    if (!loaded.ok() || loaded->metadata.current_snapshot() == nullptr) return 0;
    const auto files = ReadLiveFiles(*storage_, loaded->metadata, *loaded->metadata.current_snapshot());
    EXPECT_TRUE(files.ok()) << files.status();
    int64_t rows = 0;
    for (const LiveFile& file : *files) rows += file.file.record_count;
    return rows;
  }
  /// Files in the folder of a table's data.
  int64_t DataFiles(const std::string& table) {
    int64_t files = 0;
    EXPECT_TRUE(
        storage_->List("file://" + folder_ + "/shop/" + table + "/data", [&](const Storage::FileInfo&) { ++files; }).ok());
    return files;
  }

  const std::string folder_ = testing::TempDir() + "landing-" + RandomName();
  const std::string spool_ = folder_ + "/spool";
  const std::shared_ptr<Storage> storage_ = std::make_shared<LocalStorage>();
  FaultyCatalog catalog_{std::make_unique<FsCatalog>(storage_, "file://" + folder_)};
  int64_t now_ms_ = int64_t{20'000} * 86'400'000;
  const TableCommitter::Clock clock_ = [this] { return now_ms_; };
  LandingDescription description_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_TESTS_UNIT_WAREHOUSE_LANDING_LANDING_TEST_SUPPORT_H_
