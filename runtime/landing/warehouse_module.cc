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

/// The module, opened once for all.
absl::StatusOr<void*> FindModule() {
  static std::mutex mutex;
  static void* found = nullptr;
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
    found = module;
    return found;
  }
  return absl::NotFoundError(absl::StrCat("the warehouse module is not at ", absl::StrJoin(tried, " nor at "),
                                          ": build it (docs/warehouse.md), or say in ", kVariable, " where it is"));
}

template <class Function>
absl::StatusOr<Function> FindFunction(const char* name) {
  absl::StatusOr<void*> module = FindModule();
  if (!module.ok()) return module.status();
  void* symbol = dlsym(*module, name);
  if (symbol == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("this is no warehouse module, or an older one: ", dlerror()));
  }
  return reinterpret_cast<Function>(symbol);
}

}  // namespace

absl::StatusOr<std::unique_ptr<warehouse::Warehouse>> OpenWarehouse(const std::map<std::string, std::string>& settings) {
  auto open = FindFunction<warehouse::OpenWarehouseFunction>(warehouse::kOpenWarehouse);
  if (!open.ok()) return open.status();
  absl::Status error;
  std::unique_ptr<warehouse::Warehouse> opened((*open)(settings, &error));
  if (!opened) return error;
  return opened;
}

absl::StatusOr<std::unique_ptr<warehouse::RecordRows>> OpenRecordRows(const warehouse::LandingDescription& description,
                                                                      const std::vector<std::string>& columns) {
  auto open = FindFunction<warehouse::OpenRecordsFunction>(warehouse::kOpenRecords);
  if (!open.ok()) return open.status();
  absl::Status error;
  std::unique_ptr<warehouse::RecordRows> rows((*open)(description, columns, &error));
  if (!rows) return error;
  return rows;
}

}  // namespace millrace
