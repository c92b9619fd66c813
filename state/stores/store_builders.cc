#include "millrace/state/internal/store_builders.h"

namespace millrace::internal {

StoreOptions WithWindowedChangelog(WindowStoreOptions options) {
  options.store.changelog.windowed = true;
  options.store.changelog.retention = options.retention;
  return options.store;
}

}  // namespace millrace::internal
