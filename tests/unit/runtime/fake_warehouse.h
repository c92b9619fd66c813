#ifndef MILLRACE_TESTS_UNIT_RUNTIME_FAKE_WAREHOUSE_H_
#define MILLRACE_TESTS_UNIT_RUNTIME_FAKE_WAREHOUSE_H_

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "millrace/warehouse/warehouse.h"

namespace millrace {

/// Tables in memory, with the contract of real ones: a commit whose ranges do not start where the table is happens not at all.
/// For what only the runtime does; real tables are in tests/warehouse.
class FakeWarehouse final : public warehouse::Warehouse {
 public:
  struct Table {
    std::map<int32_t, int64_t> positions;
    std::vector<std::pair<int32_t, int64_t>> rows;  // partition and offset
    int commits = 0;
  };

  absl::StatusOr<std::unique_ptr<warehouse::TableLanding>> OpenLanding(
      const warehouse::LandingDescription& description) override {
    if (const absl::Status status = Fault(); !status.ok()) return status;
    const std::lock_guard lock(mutex_);
    if (const std::string& why = refusals_[description.table]; !why.empty()) return absl::FailedPreconditionError(why);
    return std::make_unique<Landing>(this, description.table);
  }
  absl::StatusOr<std::vector<warehouse::TableInfo>> Tables() override { return std::vector<warehouse::TableInfo>(); }
  absl::StatusOr<std::vector<std::string>> TablesLandedBy(const std::string&) override { return std::vector<std::string>(); }
  absl::Status ResetPositions(const std::string&, bool) override { return absl::OkStatus(); }

  /// Calls fail so from now on; OK: they do not.
  void SetFault(absl::Status fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  /// This table is not opened, for somebody must act; "": it is.
  void SetRefusal(const std::string& table, const std::string& why) {
    const std::lock_guard lock(mutex_);
    refusals_[table] = why;
  }
  /// As if somebody else had landed it.
  void Move(const std::string& table, int32_t partition, int64_t position) {
    const std::lock_guard lock(mutex_);
    tables_[table].positions[partition] = position;
  }
  Table Get(const std::string& table) {
    const std::lock_guard lock(mutex_);
    return tables_[table];
  }

 private:
  class Landing final : public warehouse::TableLanding {
   public:
    Landing(FakeWarehouse* warehouse, std::string table) : warehouse_(warehouse), table_(std::move(table)) {}
    absl::StatusOr<std::map<int32_t, int64_t>> Positions() override {
      if (const absl::Status status = warehouse_->Fault(); !status.ok()) return status;
      return warehouse_->Get(table_).positions;
    }
    absl::Status Append(const warehouse::LandedRecord& record) override {
      if (record.value && *record.value == "poison") return absl::InvalidArgumentError("this is no row");
      rows_.emplace_back(record.partition, record.offset);
      return absl::OkStatus();
    }
    absl::Status Refuse(const warehouse::LandedRecord&, const std::string& why) override {
      return absl::InvalidArgumentError(why);
    }
    [[nodiscard]] int64_t pending_bytes() const override { return static_cast<int64_t>(rows_.size()); }
    absl::StatusOr<bool> Commit(const std::map<int32_t, warehouse::PositionRange>& ranges) override {
      auto rows = std::exchange(rows_, {});
      if (const absl::Status status = warehouse_->Fault(); !status.ok()) return status;
      const std::lock_guard lock(warehouse_->mutex_);
      Table& table = warehouse_->tables_[table_];
      for (const auto& [partition, range] : ranges) {
        const auto known = table.positions.find(partition);
        if (known != table.positions.end() && known->second != range.start) return false;
      }
      for (const auto& [partition, range] : ranges) table.positions[partition] = range.end;
      table.rows.insert(table.rows.end(), rows.begin(), rows.end());
      ++table.commits;
      counts_.rows += static_cast<int64_t>(rows.size());
      return true;
    }
    void Drop() override { rows_.clear(); }
    [[nodiscard]] warehouse::LandingCounts counts() const override { return counts_; }

   private:
    FakeWarehouse* const warehouse_;
    const std::string table_;
    std::vector<std::pair<int32_t, int64_t>> rows_;
    warehouse::LandingCounts counts_;
  };

  absl::Status Fault() {
    const std::lock_guard lock(mutex_);
    return fault_;
  }

  std::mutex mutex_;
  absl::Status fault_;
  std::map<std::string, std::string> refusals_;  // by table
  std::map<std::string, Table> tables_;
};

}  // namespace millrace

#endif  // MILLRACE_TESTS_UNIT_RUNTIME_FAKE_WAREHOUSE_H_
