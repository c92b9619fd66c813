#include "metrics/health.h"

#include <nlohmann/json.hpp>
#include <set>

namespace millrace {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

Health Liveness(const RuntimeSnapshot& snapshot) {
  const bool alive = snapshot.state != "ERROR" && snapshot.state != "PENDING_ERROR" && snapshot.stuck.empty();
  Json body;
  body["alive"] = alive;
  body["application"] = snapshot.application_id;
  body["state"] = snapshot.state;
  if (!snapshot.error.empty()) body["error"] = snapshot.error;
  if (!snapshot.stuck.empty()) body["stuck"] = snapshot.stuck;
  return {.ok = alive, .body = Dump(body)};
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
  // Those that wait for a broker or for their turn have no store to show yet.
  std::set<std::string> listed;
  for (const StoreSnapshot& store : snapshot.stores) {
    if (store.restoring) listed.insert(store.task);
  }
  for (const TaskSnapshot& task : snapshot.tasks) {
    if (task.state == "RUNNING" || listed.contains(task.task)) continue;
    Json& waiting = restoring.emplace_back(Json::object());
    waiting["task"] = task.task;
    if (!task.waits.empty()) waiting["waits"] = task.waits;
  }
  const bool ready = snapshot.state == "RUNNING" && restoring.empty() && snapshot.disk_full.empty();
  Json body;
  body["ready"] = ready;
  body["application"] = snapshot.application_id;
  body["state"] = snapshot.state;
  if (!snapshot.error.empty()) body["error"] = snapshot.error;
  body["tasks"] = snapshot.tasks.size();
  body["restoring"] = std::move(restoring);
  if (!snapshot.disk_full.empty()) body["disk_full"] = snapshot.disk_full;
  return {.ok = ready, .body = Dump(body)};
}

}  // namespace millrace
