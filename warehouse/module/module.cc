#include <exception>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "landing/open_warehouse.h"
#include "millrace/warehouse/warehouse.h"
#include "reading/record_rows.h"

// The module's doors: see millrace/warehouse/warehouse.h.

namespace {

/// What `open` gives; nullptr, and why, if it cannot.
template <class Open>
auto Give(Open open, const char* what, absl::Status* error) -> decltype(open()->release()) {
  try {
    auto opened = open();
    if (opened.ok()) return opened->release();
    *error = opened.status();
  } catch (const std::exception& e) {
    *error = absl::InternalError(absl::StrCat("opening ", what, ": ", e.what()));
  }
  return nullptr;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) millrace::warehouse::Warehouse* MillraceOpenWarehouse(
    const std::map<std::string, std::string>& settings, absl::Status* error) {
  return Give([&] { return millrace::warehouse::OpenTableWarehouse(settings); }, "the warehouse", error);
}

extern "C" __attribute__((visibility("default"))) millrace::warehouse::RecordRows* MillraceOpenRecords(
    const millrace::warehouse::LandingDescription& description, const std::vector<std::string>& columns, absl::Status* error) {
  return Give([&] { return millrace::warehouse::OpenRecordRows(description, columns); }, "records", error);
}
