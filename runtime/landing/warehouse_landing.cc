#include "millrace/runtime/warehouse_landing.h"

#include <mutex>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "config/client_properties.h"
#include "host/host.h"
#include "landing/landing.h"
#include "landing/landing_metrics.h"
#include "landing/landing_settings.h"
#include "landing/warehouse_module.h"
#include "log/kafka/kafka_log.h"
#include "logging/client_log.h"

namespace millrace {

class WarehouseLanding::Impl {
 public:
  Impl(StreamsConfig config, std::vector<LandedTopic> topics, std::shared_ptr<log::LogClient> client)
      : config_(std::move(config)), topics_(std::move(topics)), client_(std::move(client)) {}

  void SetFailureListener(std::function<void()> listener) { listener_ = std::move(listener); }

  absl::Status Start() {
    const bool serves = HasUri(config_, LandingSink::kServing) || NamesTables(config_, LandingSink::kServing);
    if (!serves || HasUri(config_, LandingSink::kWarehouse) || NamesTables(config_)) {
      if (absl::Status status = StartOne(LandingSink::kWarehouse, topics_, /*may_be_empty=*/serves); !status.ok()) return status;
    }
    return serves ? StartOne(LandingSink::kServing, {}, /*may_be_empty=*/false) : absl::OkStatus();
  }

  void Close() {
    for (Landing* landing : landings()) landing->Close();
  }

  [[nodiscard]] absl::Status error() const {
    const std::lock_guard lock(mutex_);
    if (!error_.ok()) return error_;
    return tables_ > 0 && failed_tables_ == tables_ ? last_failure_ : absl::OkStatus();
  }

  [[nodiscard]] std::vector<LandingProgress> progress() const {
    std::vector<LandingProgress> all;
    for (const Landing* landing : landings()) {
      for (LandingProgress& table : landing->progress()) {
        // The two places may have tables of one name.
        if (landing->sink() != "warehouse") table.table = absl::StrCat(landing->sink(), ":", table.table);
        all.push_back(std::move(table));
      }
    }
    return all;
  }

  [[nodiscard]] const std::string& application_id() const { return config_.application_id(); }

 private:
  [[nodiscard]] std::vector<Landing*> landings() const {
    const std::lock_guard lock(mutex_);
    std::vector<Landing*> all;
    for (const auto& landing : landings_) all.push_back(landing.get());
    return all;
  }

  absl::Status StartOne(LandingSink sink, const std::vector<LandedTopic>& topics, bool may_be_empty) {
    absl::StatusOr<LandingSettings> settings = LandingSettingsFrom(config_, topics, sink);
    if (!settings.ok()) return settings.status();
    if (settings->landing.tables.empty()) {
      if (may_be_empty) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat("no topic is to be landed: add lines ", settings->landing.sink,
                                                     ".table.<table>=<topic> <protobuf message>"));
    }
    auto warehouse = OpenWarehouse(settings->warehouse);
    if (!warehouse.ok()) return warehouse.status();
    warehouses_.push_back(*std::move(warehouse));
    if (absl::Status status = Connect(); !status.ok()) return status;
    {
      const std::lock_guard lock(mutex_);
      tables_ += settings->landing.tables.size();
    }
    LandingListener listener;
    listener.failed = [this](const absl::Status& status) { Fail(status); };
    listener.table_failed = [this](const absl::Status& status) { FailTable(status); };
    listener.table_goes_on = [this] {
      const std::lock_guard lock(mutex_);
      --failed_tables_;
    };
    auto landing = std::make_unique<Landing>(std::move(settings->landing), warehouses_.back().get(), client_.get(), &Host::Real(),
                                             std::move(listener));
    if (absl::Status status = landing->Start(); !status.ok()) return status;
    const std::lock_guard lock(mutex_);
    landings_.push_back(std::move(landing));
    return absl::OkStatus();
  }

  absl::Status Connect() {
    if (client_) return absl::OkStatus();
    auto properties = MakeClientProperties(config_);
    if (!properties.ok()) return properties.status();
    auto client = log::kafka::Connect(*properties, LogClientLine);
    if (!client.ok()) return client.status();
    client_ = *std::move(client);
    return absl::OkStatus();
  }

  /// The others are landed on, if there are any.
  void FailTable(const absl::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      last_failure_ = status;
      if (++failed_tables_ < tables_) return;
    }
    if (listener_) listener_();
  }

  void Fail(const absl::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      error_.Update(status);
    }
    if (listener_) listener_();
  }

  const StreamsConfig config_;
  const std::vector<LandedTopic> topics_;
  std::function<void()> listener_;  // fixed from Start on
  // Landings end before what they work with.
  std::shared_ptr<log::LogClient> client_;
  std::vector<std::unique_ptr<warehouse::Warehouse>> warehouses_;
  mutable std::mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);  // for good
  size_t tables_ ABSL_GUARDED_BY(mutex_) = 0;   // of all landings
  size_t failed_tables_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status last_failure_ ABSL_GUARDED_BY(mutex_);  // of a table
  std::vector<std::unique_ptr<Landing>> landings_ ABSL_GUARDED_BY(mutex_);
};

WarehouseLanding::WarehouseLanding(StreamsConfig config, std::vector<LandedTopic> topics)
    : WarehouseLanding(std::move(config), std::move(topics), nullptr) {}
WarehouseLanding::WarehouseLanding(StreamsConfig config, std::vector<LandedTopic> topics, std::shared_ptr<log::LogClient> client)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(topics), std::move(client))) {}
WarehouseLanding::~WarehouseLanding() = default;

bool WarehouseLanding::Wanted(const StreamsConfig& config, const std::vector<LandedTopic>& topics) {
  return (HasUri(config, LandingSink::kWarehouse) && (!topics.empty() || NamesTables(config))) ||
         (HasUri(config, LandingSink::kServing) && NamesTables(config, LandingSink::kServing));
}

void WarehouseLanding::SetFailureListener(std::function<void()> listener) { impl_->SetFailureListener(std::move(listener)); }
absl::Status WarehouseLanding::Start() { return impl_->Start(); }
void WarehouseLanding::Close() { impl_->Close(); }
absl::Status WarehouseLanding::error() const { return impl_->error(); }

std::map<std::string, int64_t> WarehouseLanding::RowsLanded() const {
  std::map<std::string, int64_t> rows;
  for (const LandingProgress& table : impl_->progress()) rows[table.table] = table.counts.rows;
  return rows;
}

std::map<std::string, std::string> WarehouseLanding::FailedTables() const {
  std::map<std::string, std::string> failed;
  for (const LandingProgress& table : impl_->progress()) {
    if (table.failed) failed[table.table] = table.waits;
  }
  return failed;
}

std::string WarehouseLanding::MetricsText() const { return LandingMetrics(impl_->application_id(), impl_->progress()); }

Health WarehouseLanding::Readiness() const { return LandingReadiness(impl_->progress(), impl_->error()); }

}  // namespace millrace
