#include "storage/storage.h"

#include <set>

namespace millrace::warehouse {

// For storages that know no better way; the others list only what is right below.
absl::Status Storage::ListFolders(const std::string& folder, const std::function<void(const std::string&)>& name) {
  std::set<std::string> names;
  absl::Status status = List(folder, [&](const FileInfo& file) {
    const size_t begin = folder.size() + (folder.ends_with('/') ? 0 : 1);
    const size_t slash = file.path.find('/', begin);
    if (slash != std::string::npos) names.insert(file.path.substr(begin, slash - begin));
  });
  if (!status.ok()) return status;
  for (const std::string& found : names) name(found);
  return absl::OkStatus();
}

}  // namespace millrace::warehouse
