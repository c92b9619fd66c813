#ifndef MILLRACE_RUNTIME_STREAMS_QUARANTINE_ENGINE_FACTORY_H_
#define MILLRACE_RUNTIME_STREAMS_QUARANTINE_ENGINE_FACTORY_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/engine.h"
#include "streams/state_directory.h"

namespace millrace {

/// Opens a task's engines; a damaged one is set aside, kept, and opened empty, so that it is rebuilt from the changelog.
class QuarantineEngineFactory final : public EngineFactory {
 public:
  QuarantineEngineFactory(StateDirectory* directory, TaskId task, std::unique_ptr<EngineFactory> engines)
      : directory_(directory), task_(task), engines_(std::move(engines)) {}

  absl::StatusOr<std::unique_ptr<KeyValueEngine>> Open(const std::string& store, StoreKind kind) override {
    auto engine = engines_->Open(store, kind);
    if (!absl::IsDataLoss(engine.status())) return engine;
    auto aside = directory_->SetAside(task_, store);
    if (!aside.ok()) return aside.status();
    LogWarning(absl::StrCat("damaged state is kept in ", *aside,
                            " and rebuilt from the changelog: ", std::string(engine.status().message())),
               {.event = "state-damaged", .task = task_.ToString(), .store = store});
    return engines_->Open(store, kind);
  }

 private:
  StateDirectory* directory_;
  TaskId task_;
  std::unique_ptr<EngineFactory> engines_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_QUARANTINE_ENGINE_FACTORY_H_
