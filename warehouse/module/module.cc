#include <exception>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "landing/open_warehouse.h"
#include "millrace/warehouse/warehouse.h"

// The module's door: see millrace/warehouse/warehouse.h.
extern "C" __attribute__((visibility("default"))) millrace::warehouse::Warehouse* MillraceOpenWarehouse(
    const std::map<std::string, std::string>& settings, absl::Status* error) {
  try {
    auto opened = millrace::warehouse::OpenTableWarehouse(settings);
    if (opened.ok()) return opened->release();
    *error = opened.status();
  } catch (const std::exception& e) {
    *error = absl::InternalError(absl::StrCat("opening the warehouse: ", e.what()));
  }
  return nullptr;
}
