#include "registry/registry_warehouse.h"

#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "registry/topic_schemas.h"

namespace millrace::warehouse {
namespace {

/// A landing of the latest schema, and of the next one when that is met.
class RegistryLanding final : public TableLanding {
 public:
  RegistryLanding(Warehouse* warehouse, RegistryClient* client, LandingDescription description)
      : warehouse_(warehouse),
        description_(std::move(description)),
        schemas_(client, absl::StrCat(description_.topic, "-value"), description_.message) {}

  absl::Status Open() {
    absl::StatusOr<TopicSchemas::Latest> latest = schemas_.Load();
    if (!latest.ok()) return latest.status();
    LandingDescription description = description_;
    description.descriptor_set = std::move(latest->descriptor_set);
    description.message = std::move(latest->message);
    absl::StatusOr<std::unique_ptr<TableLanding>> within = warehouse_->OpenLanding(description);
    if (!within.ok()) return within.status();
    if (within_) earlier_ = counts();
    within_ = *std::move(within);
    is_old_ = false;
    return absl::OkStatus();
  }

  absl::StatusOr<std::map<int32_t, int64_t>> Positions() override {
    if (is_old_) {
      if (absl::Status status = Open(); !status.ok()) return status;
    }
    return within_->Positions();
  }

  absl::Status Append(const LandedRecord& record) override {
    if (!record.value) return within_->Append(record);
    absl::StatusOr<RegistryHeader> header = RegistryHeader::Parse(*record.value);
    if (!header.ok()) return within_->Refuse(record, std::string(header.status().message()));
    if (!schemas_.Knows(header->schema_id)) {
      absl::Status learned = schemas_.Learn(header->schema_id);
      if (absl::IsNotFound(learned)) return within_->Refuse(record, std::string(learned.message()));
      if (!learned.ok()) return learned;
      is_old_ = true;
    }
    if (is_old_) {
      return absl::UnavailableError(absl::StrCat("schema ", header->schema_id,
                                                 " is new: what was read since the last commit is read again with the latest "
                                                 "schema of the topic"));
    }
    if (absl::Status status = schemas_.Check(*header); !status.ok()) {
      return within_->Refuse(record, std::string(status.message()));
    }
    LandedRecord message = record;
    message.value = record.value->substr(header->size);
    return within_->Append(message);
  }

  absl::Status Refuse(const LandedRecord& record, const std::string& why) override { return within_->Refuse(record, why); }
  [[nodiscard]] int64_t pending_bytes() const override { return within_->pending_bytes(); }
  absl::StatusOr<bool> Commit(const std::map<int32_t, PositionRange>& ranges) override { return within_->Commit(ranges); }
  void Drop() override { within_->Drop(); }
  void Upkeep() override { within_->Upkeep(); }
  [[nodiscard]] LandingCounts counts() const override {
    LandingCounts counts = within_->counts();
    counts.Add(earlier_);
    return counts;
  }

 private:
  Warehouse* const warehouse_;
  const LandingDescription description_;
  TopicSchemas schemas_;
  std::unique_ptr<TableLanding> within_;
  LandingCounts earlier_;  // of landings before this one
  bool is_old_ = false;    // the topic has a schema that the landing does not know
};

}  // namespace

absl::StatusOr<std::unique_ptr<TableLanding>> RegistryWarehouse::OpenLanding(const LandingDescription& description) {
  if (!description.descriptor_set.empty()) return within_->OpenLanding(description);
  auto landing = std::make_unique<RegistryLanding>(within_.get(), &client_, description);
  if (absl::Status status = landing->Open(); !status.ok()) return status;
  return std::unique_ptr<TableLanding>(std::move(landing));
}

}  // namespace millrace::warehouse
