#include "metrics/health.h"

#include <nlohmann/json.hpp>

namespace millrace {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

Health Liveness(const RuntimeSnapshot& snapshot) {
  const bool failed = snapshot.state == "ERROR" || snapshot.state == "PENDING_ERROR";
  Json body;
  body["alive"] = !failed;
  body["application"] = snapshot.application_id;
  body["state"] = snapshot.state;
  if (!snapshot.error.empty()) body["error"] = snapshot.error;
  return {.ok = !failed, .body = Dump(body)};
}

Health Readiness(const RuntimeSnapshot& snapshot) {
  Json restoring = Json::array();
  for (const StoreSnapshot& store : snapshot.stores) {
    if (!store.restoring) continue;
    Json& waiting = restoring.emplace_back(Json::object());
    waiting["task"] = store.task;
    waiting["store"] = store.store;
    waiting["remaining_records"] = store.restore_remaining_records;
    if (store.restore_eta_seconds) waiting["eta_seconds"] = *store.restore_eta_seconds;
  }
  const bool ready = snapshot.state == "RUNNING" && restoring.empty();
  Json body;
  body["ready"] = ready;
  body["application"] = snapshot.application_id;
  body["state"] = snapshot.state;
  if (!snapshot.error.empty()) body["error"] = snapshot.error;
  body["tasks"] = snapshot.tasks.size();
  body["restoring"] = std::move(restoring);
  return {.ok = ready, .body = Dump(body)};
}

}  // namespace millrace
