#include "streams/state_directory.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

namespace millrace {
namespace {

constexpr int kFormat = 1;
constexpr char kMarker[] = ".millrace";
constexpr char kLock[] = ".lock";
constexpr char kOwner[] = ".owner";
constexpr char kInstance[] = ".instance";
constexpr char kStateId[] = ".state";

absl::Status CheckMarker(const std::string& path, const std::string& text, const std::string& application_id) {
  const auto marker = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!marker.is_object() || !marker.contains("format") || !marker["format"].is_number_integer() ||
      !marker.contains("application") || !marker["application"].is_string()) {
    return absl::FailedPreconditionError(absl::StrCat("state directory ", path, ": ", kMarker,
                                                      " is not readable; move the directory away or choose another state.dir"));
  }
  if (marker["format"] != kFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat("state directory ", path, " has format ", marker["format"].get<int>(), ", this program writes ", kFormat,
                     "; move it away (state is rebuilt from the changelogs) or choose another state.dir"));
  }
  if (marker["application"] != application_id) {
    return absl::FailedPreconditionError(absl::StrCat("state directory ", path, " belongs to application ",
                                                      marker["application"].get<std::string>(), ", not to ", application_id,
                                                      "; choose another state.dir"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> InstanceId(Host* host, const std::string& path) {
  auto id = host->files().Read(path);
  if (id.ok() && !id->empty()) return id;
  if (!id.ok() && !absl::IsNotFound(id.status())) return id.status();
  id = absl::StrCat(absl::Hex(host->Random(), absl::kZeroPad16));
  if (auto status = host->files().Write(path, *id); !status.ok()) return status;
  return id;
}

absl::Status Unusable(const std::string& path, const absl::Status& reason) {
  return absl::Status(reason.code(), absl::StrCat("state directory ", path, " cannot be used: ", std::string(reason.message()),
                                                  "; set state.dir to a directory that this process can write"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateDirectory>> StateDirectory::Open(Host* host, const std::string& state_dir,
                                                                     const std::string& application_id) {
  FileSystem& files = host->files();
  const std::string path = absl::StrCat(state_dir, "/", application_id);
  if (auto status = files.CreateDirectories(path); !status.ok()) return Unusable(path, status);

  // Foreign contents are looked for before the lock file is made.
  auto names = files.List(path);
  if (!names.ok()) return Unusable(path, names.status());
  std::erase_if(*names, [](const std::string& n) { return n == kLock || n == kOwner || n == std::string(kMarker) + ".tmp"; });
  const std::string marker_path = absl::StrCat(path, "/", kMarker);
  const bool marked = files.Exists(marker_path);
  if (!marked && !names->empty()) {
    if (names->size() > 5) names->resize(5);
    return absl::FailedPreconditionError(absl::StrCat("state directory ", path, " holds files that are not Millrace's (",
                                                      absl::StrJoin(*names, ", "),
                                                      "); move them away or choose another state.dir"));
  }
  if (marked) {
    auto text = files.Read(marker_path);
    if (!text.ok()) return Unusable(path, text.status());
    if (auto status = CheckMarker(path, *text, application_id); !status.ok()) return status;
  }

  auto lock = files.Lock(absl::StrCat(path, "/", kLock));
  const std::string owner_path = absl::StrCat(path, "/", kOwner);
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(absl::StrCat("state directory ", path, " is in use by another process (",
                                                      files.Read(owner_path).value_or("unknown"),
                                                      "); give each process a state.dir of its own, or stop the other one"));
  }
  if (!lock.ok()) return Unusable(path, lock.status());
  if (auto status = files.Write(owner_path, host->ProcessName()); !status.ok()) return Unusable(path, status);
  if (!marked) {
    const nlohmann::json marker = {{"format", kFormat}, {"application", application_id}};
    if (auto status = files.Write(marker_path, marker.dump()); !status.ok()) return Unusable(path, status);
  }
  auto instance_id = InstanceId(host, absl::StrCat(path, "/", kInstance));
  if (!instance_id.ok()) return Unusable(path, instance_id.status());
  return std::unique_ptr<StateDirectory>(new StateDirectory(host, path, *std::move(instance_id), *std::move(lock)));
}

absl::StatusOr<int> StateDirectory::Adopt(const std::string& state_id) {
  FileSystem& files = host_->files();
  const std::string name_path = absl::StrCat(path_, "/", kStateId);
  auto known = files.Read(name_path);
  if (!known.ok() && !absl::IsNotFound(known.status())) return known.status();
  if (known.ok() && *known == state_id) return 0;
  int renamed = 0;
  if (known.ok()) {
    auto names = files.List(path_);
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      if (name.find_first_not_of("0123456789_") != std::string::npos) continue;
      const std::string from = absl::StrCat(path_, "/", name);
      if (auto status = files.Rename(from, absl::StrCat(from, ".reset-", host_->Now().millis())); !status.ok()) return status;
      ++renamed;
    }
  }
  if (auto status = files.Write(name_path, state_id); !status.ok()) return status;
  return renamed;
}

absl::Status StateDirectory::PrepareTask(TaskId task) { return host_->files().CreateDirectories(TaskPath(task)); }

absl::StatusOr<std::string> StateDirectory::SetAside(TaskId task, const std::string& store) {
  const std::string from = StorePath(task, store);
  if (!host_->files().Exists(from)) return std::string();
  std::string to = absl::StrCat(from, ".damaged-", host_->Now().millis());
  while (host_->files().Exists(to)) absl::StrAppend(&to, "x");
  if (auto status = host_->files().Rename(from, to); !status.ok()) return status;
  return to;
}

}  // namespace millrace
