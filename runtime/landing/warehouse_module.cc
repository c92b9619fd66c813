#include "landing/warehouse_module.h"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "host/host.h"

namespace millrace {
namespace {

constexpr char kModule[] = "libmillrace_warehouse.so";
constexpr char kVariable[] = "MILLRACE_WAREHOUSE_MODULE";

std::vector<std::string> Places() {
  if (const char* path = std::getenv(kVariable); path != nullptr && *path != '\0') return {path};
  std::array<char, 4096> program;
  const ssize_t length = readlink("/proc/self/exe", program.data(), program.size());
  if (length <= 0) return {};
  const std::string path(program.data(), static_cast<size_t>(length));
  const std::string folder = path.substr(0, path.find_last_of('/'));
  return {absl::StrCat(folder, "/", kModule), absl::StrCat(folder, "/../lib/", kModule)};
}

absl::StatusOr<warehouse::OpenWarehouseFunction> FindModule() {
  static std::mutex mutex;
  static warehouse::OpenWarehouseFunction found = nullptr;
  const std::lock_guard lock(mutex);
  if (found != nullptr) return found;
  std::vector<std::string> tried;
  for (const std::string& path : Places()) {
    if (!Host::Real().files().Exists(path)) {
      tried.push_back(path);
      continue;
    }
    // Its symbols are for itself: see the header.
    void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr)
      return absl::FailedPreconditionError(absl::StrCat("the warehouse module cannot be opened: ", dlerror()));
    void* symbol = dlsym(module, warehouse::kOpenWarehouse);
    if (symbol == nullptr) return absl::FailedPreconditionError(absl::StrCat(path, " is no warehouse module: ", dlerror()));
    found = reinterpret_cast<warehouse::OpenWarehouseFunction>(symbol);
    return found;
  }
  return absl::NotFoundError(absl::StrCat("the warehouse module is not at ", absl::StrJoin(tried, " nor at "),
                                          ": build it (docs/warehouse.md), or say in ", kVariable, " where it is"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<warehouse::Warehouse>> OpenWarehouse(const std::map<std::string, std::string>& settings) {
  absl::StatusOr<warehouse::OpenWarehouseFunction> open = FindModule();
  if (!open.ok()) return open.status();
  absl::Status error;
  std::unique_ptr<warehouse::Warehouse> opened((*open)(settings, &error));
  if (!opened) return error;
  return opened;
}

}  // namespace millrace
