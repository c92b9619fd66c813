#include "instance.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "application.h"
#include "faulty_log.h"
#include "millrace/runtime/kafka_streams.h"
#include "sim_host.h"

namespace millrace::simulation {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 200ms;

}  // namespace

Instance::Instance(Surroundings* around, int number)
    : around_(around), name_(absl::StrCat("i", number)), disk_(around->scheduler) {}

void Instance::Start() {
  auto life = std::make_unique<Life>();
  life->process = around_->scheduler->NewProcess(absl::StrCat(name_, ".", lives_.size() + 1));
  life->faults = std::make_unique<Faults>(around_->scheduler, life->process, around_->network, &around_->trouble);
  life->last_heartbeat = around_->scheduler->now();
  crash_noticed = false;
  lives_.push_back(std::move(life));
  Life* const started = lives_.back().get();
  around_->scheduler->Start(started->process, "main", [this, started] { Run(started); });
}

void Instance::Run(Life* life) {
  // Lives as long as the threads that use it: for ever.
  auto* const host = new SimHost(around_->scheduler, life->process, &disk_);
  std::map<std::string, std::string> properties = around_->properties;
  if (around_->static_members) properties["group.instance.id"] = name_;
  const auto config = StreamsConfig::From(properties);
  if (!config.ok()) {
    life->error = config.status();
    life->ended = true;
    return;
  }
  {
    KafkaStreams streams(MakeTopology(*config), *config,
                         std::shared_ptr<log::LogClient>(MakeFaultyClient(around_->log->NewClient(), life->faults.get())), host);
    if (around_->trouble.refusals) streams.SetExceptionHandlers(RefusalHandlers());
    const auto over = [&streams] {
      const KafkaStreams::State state = streams.state();
      return state == KafkaStreams::State::kNotRunning || state == KafkaStreams::State::kError;
    };
    if (streams.Start().ok()) {
      while (!life->stop && !over()) {
        life->running = streams.state() == KafkaStreams::State::kRunning;
        host->Sleep(kLook);
      }
    }
    life->running = false;
    life->closed = streams.Close();
    life->error = streams.error();
  }
  life->ended = true;
}

}  // namespace millrace::simulation
