#include "metrics/process_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <tuple>

#include "host/host.h"

namespace millrace {
namespace {

std::optional<std::string> ReadFile(const std::string& path) {
  absl::StatusOr<std::string> contents = Host::Real().files().Read(path);
  return contents.ok() ? std::optional(*std::move(contents)) : std::nullopt;
}

/// The number at the start of the text, after blanks; nullopt for "max" and other words.
std::optional<int64_t> Number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

std::optional<int64_t> Rss() {
  const std::optional<std::string> statm = ReadFile("/proc/self/statm");  // pages: size resident ...
  if (!statm.has_value() || statm->find(' ') == std::string::npos) return std::nullopt;
  const std::optional<int64_t> pages = Number(std::string_view(*statm).substr(statm->find(' ')));
  return pages.has_value() ? std::optional(*pages * sysconf(_SC_PAGESIZE)) : std::nullopt;
}

void Lower(std::optional<int64_t> limit, std::optional<int64_t>* least) {
  if (limit.has_value() && *limit > 0 && (!least->has_value() || *limit < **least)) *least = limit;
}

/// The folder of this process's cgroup, "" for the root or if unknown: the line "0::/path" (version 2) or ":memory:/path"
/// (version 1).
std::string CgroupPath(std::string_view marker) {
  const std::optional<std::string> groups = ReadFile("/proc/self/cgroup");
  if (!groups.has_value()) return "";
  const size_t begin = groups->find(marker);
  if (begin == std::string::npos) return "";
  std::string path = groups->substr(begin + marker.size());
  path.resize(std::min(path.find('\n'), path.size()));
  return path == "/" ? "" : path;
}

/// The least of the limits of the cgroups that this process is in.
std::optional<int64_t> CgroupLimit() {
  std::optional<int64_t> least;
  for (const auto& [marker, root, file] :
       {std::tuple("0::", "/sys/fs/cgroup", "/memory.max"), {":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes"}}) {
    // A limit of any folder above counts too.
    std::string path = CgroupPath(marker);
    while (true) {
      if (const std::optional<std::string> limit = ReadFile(std::string(root) + path + file)) Lower(Number(*limit), &least);
      if (path.empty()) break;
      path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
  }
  return least;
}

}  // namespace

ProcessMemory ReadProcessMemory() {
  const std::optional<int64_t> cgroup = CgroupLimit();
  std::optional<int64_t> least = cgroup;
  Lower(int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE), &least);
  // Without a limit of its own a cgroup may show one beyond any memory.
  return {.rss_bytes = Rss(), .limit_bytes = least, .limited_by_cgroup = cgroup.has_value() && cgroup == least};
}

void AddProcessMemory(RuntimeSnapshot* snapshot) {
  const ProcessMemory memory = ReadProcessMemory();
  if (!snapshot->process_rss_bytes) snapshot->process_rss_bytes = memory.rss_bytes;
  if (!snapshot->memory_limit_bytes) snapshot->memory_limit_bytes = memory.limit_bytes;
}

}  // namespace millrace
