#include "scheduler.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::simulation {
namespace {

// Of a step: small against all time-outs, but enough for two times to differ.
constexpr int64_t kLongestStep = 20'000;

thread_local Scheduler* scheduler_of_this_thread = nullptr;

}  // namespace

Scheduler* Scheduler::OfThisThread() { return scheduler_of_this_thread; }

Scheduler::Scheduler(uint64_t seed) : random_(seed) {
  auto thread = std::make_unique<SimThread>();
  thread->name = "world";
  thread->process = NewProcess("world");
  current_ = thread.get();
  alive_.push_back(current_);
  threads_.push_back(std::move(thread));
  scheduler_of_this_thread = this;
}

SimProcess* Scheduler::NewProcess(const std::string& name) {
  processes_.push_back(std::make_unique<SimProcess>());
  processes_.back()->name = name;
  return processes_.back().get();
}

SimThread* Scheduler::Start(SimProcess* process, const std::string& name, absl::AnyInvocable<void()> body) {
  auto owned = std::make_unique<SimThread>();
  SimThread* const thread = owned.get();
  thread->id = static_cast<int>(threads_.size());
  thread->name = absl::StrCat(process->name, "/", name);
  thread->process = process;
  threads_.push_back(std::move(owned));
  alive_.push_back(thread);
  std::thread([this, thread, run = std::move(body)]() mutable { Run(thread, std::move(run)); }).detach();
  Yield();
  return thread;
}

void Scheduler::Run(SimThread* thread, absl::AnyInvocable<void()> body) {
  thread->baton.acquire();
  scheduler_of_this_thread = this;
  // Here, not after the baton is gone.
  std::exchange(body, nullptr)();
  scheduler_of_this_thread = nullptr;
  thread->state = SimThread::State::kDone;
  std::erase(alive_, thread);
  for (SimThread* other : alive_) {
    if (other->blocked_on == thread) Wake(other);
  }
  current_ = Choose();
  current_->baton.release();
}

void Scheduler::Join(SimThread* thread) {
  while (thread->state != SimThread::State::kDone) Block(thread);
}

void Scheduler::Yield() {
  current_->state = SimThread::State::kReady;
  current_->wake = Nanoseconds(0);
  Switch();
}

void Scheduler::Sleep(Nanoseconds time) {
  current_->state = SimThread::State::kReady;
  current_->wake = now_ + time;
  Switch();
}

void Scheduler::Wait(Nanoseconds timeout) {
  current_->state = SimThread::State::kWaiting;
  current_->wake = now_ + std::max(timeout, Nanoseconds(0));
  Switch();
}

void Scheduler::Wake(SimThread* thread) {
  if (thread->state != SimThread::State::kWaiting && thread->state != SimThread::State::kBlocked) return;
  thread->state = SimThread::State::kReady;
  thread->wake = Nanoseconds(0);
  thread->blocked_on = nullptr;
}

void Scheduler::Block(const void* lock) {
  current_->state = SimThread::State::kBlocked;
  current_->blocked_on = lock;
  Switch();
}

void Scheduler::Released(const void* lock) {
  for (SimThread* thread : alive_) {
    if (thread->blocked_on == lock) Wake(thread);
  }
}

void Scheduler::Kill(SimProcess* process) {
  process->dead = true;
  std::erase_if(alive_, [process](const SimThread* thread) { return thread->process == process; });
  if (current_->process == process) Switch();
}

void Scheduler::Pause(SimProcess* process, Nanoseconds time) {
  process->paused_until = now_ + time;
  if (current_->process == process) Yield();
}

SimThread* Scheduler::Choose() {
  now_ += Nanoseconds(1 + random_.Below(kLongestStep));
  ++steps_;
  while (true) {
    ready_.clear();
    for (SimThread* thread : alive_) {
      if (thread->state == SimThread::State::kBlocked || thread->process->paused_until > now_) continue;
      if (thread->wake <= now_) ready_.push_back(thread);
    }
    if (!ready_.empty()) break;
    MoveTime();
  }
  SimThread* const next = ready_[random_.Below(ready_.size())];
  next->state = SimThread::State::kReady;
  Trace(static_cast<uint64_t>(now_.count()) * 31 + static_cast<uint64_t>(next->id));
  return next;
}

void Scheduler::MoveTime() {
  Nanoseconds next = Nanoseconds::max();
  for (const SimThread* thread : alive_) {
    if (thread->state == SimThread::State::kBlocked) continue;
    next = std::min(next, std::max(thread->wake, thread->process->paused_until));
  }
  if (next == Nanoseconds::max()) over_("nothing can ever run again");
  if (next > limit_) over_("the end of simulated time was reached");
  now_ = std::max(now_, next);
}

void Scheduler::Switch() {
  SimThread* const self = current_;
  SimThread* const next = Choose();
  if (next == self) return;
  current_ = next;
  next->baton.release();
  self->baton.acquire();
}

std::string Scheduler::Describe() const {
  std::string text;
  for (const SimThread* thread : alive_) {
    constexpr const char* kNames[] = {"ready", "waiting", "blocked", "done"};
    absl::StrAppend(&text, "  ", thread->name, ": ", kNames[static_cast<int>(thread->state)], " until ",
                    (thread->wake - now_).count() / 1'000'000, " ms from now\n");
  }
  return text;
}

}  // namespace millrace::simulation
