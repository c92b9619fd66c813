#include "demo_tables.h"

#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "descriptors.h"
#include "topology.h"

namespace millrace::tshirt {
namespace {

constexpr std::chrono::minutes kPatience{10};
constexpr std::chrono::milliseconds kLook{100};

/// Tables of an earlier demo in this folder are of a log that ended with it.
absl::StatusOr<std::string> OwnFolder(const DemoOptions& options) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(options.directory, error) / "warehouse";
  if (!error && options.kafka.empty()) std::filesystem::remove_all(folder, error);
  if (!error) return absl::StrCat("file://", folder.lexically_normal().string());
  return absl::UnavailableError(absl::StrCat("cannot clear ", folder.string(), ": ", error.message(), "; give --warehouse"));
}

}  // namespace

absl::Status DemoTables::Start(TopicClient* client, const std::string& application_id, const DemoOptions& options) {
  client_ = client;
  application_id_ = application_id;
  uri_ = options.warehouse;
  if (uri_.empty()) {
    absl::StatusOr<std::string> folder = OwnFolder(options);
    if (!folder.ok()) return folder.status();
    uri_ = *std::move(folder);
  }
  Properties properties = {{"application.id", application_id_},
                           {"state.dir", options.directory + "/tables"},
                           {"warehouse.uri", uri_},
                           {"warehouse.descriptors", DescriptorsFile()},
                           {"warehouse.commit.interval.ms", "1000"}};
  if (!options.kafka.empty()) properties["bootstrap.servers"] = options.kafka;
  absl::StatusOr<StreamsConfig> config = StreamsConfig::From(properties);
  if (!config.ok()) return config.status();
  absl::StatusOr<Topology> topology = TShirtTopology(config->topology_config(), {options.zone});
  if (!topology.ok()) return topology.status();
  for (const LandedTopic& landed : topology->landed_topics()) topics_.push_back(landed.topic);
  absl::StatusOr<std::shared_ptr<log::LogClient>> log = client->NewLogClient();
  if (!log.ok()) return log.status();
  landing_ = std::make_unique<WarehouseLanding>(*std::move(config), topology->landed_topics(), *std::move(log));
  return landing_->Start();
}

absl::Status DemoTables::Finish() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const std::string group = absl::StrCat(application_id_, "-warehouse");
  while (true) {
    if (absl::Status status = landing_->error(); !status.ok()) return status;
    if (const auto failed = landing_->FailedTables(); !failed.empty()) return absl::InternalError(failed.begin()->second);
    absl::StatusOr<int64_t> lag = client_->Lag(group, topics_);
    if (!lag.ok()) return lag.status();
    if (*lag == 0) break;
    if (std::chrono::steady_clock::now() > deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("after 10 minutes ", *lag, " records are not in the tables: ", landing_->Readiness().body));
    }
    std::this_thread::sleep_for(kLook);
  }
  landing_->Close();
  rows_ = landing_->RowsLanded();
  return landing_->error();
}

}  // namespace millrace::tshirt
