// The locks of code that runs under the scheduler. A thread that waits in the simulation may hold a lock (a commit holds one
// while it talks to the broker), so who wants it must wait in the simulation too, or the baton would never come back. These
// functions stand in front of the C library's; threads outside of the simulation notice nothing.

#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>

#include "scheduler.h"

namespace millrace::simulation {
namespace {

using MutexCall = int (*)(pthread_mutex_t*);
using LockCall = int (*)(pthread_rwlock_t*);

template <class Call>
Call Next(const char* name) {
  return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

template <class Lock, class Call>
int Take(Lock* lock, Call take, Call attempt) {
  Scheduler* const scheduler = Scheduler::OfThisThread();
  if (scheduler == nullptr) return take(lock);
  int result = 0;
  while ((result = attempt(lock)) == EBUSY) scheduler->Block(lock);
  return result;
}

template <class Lock, class Call>
int Release(Lock* lock, Call release) {
  const int result = release(lock);
  if (Scheduler* scheduler = Scheduler::OfThisThread()) scheduler->Released(lock);
  return result;
}

}  // namespace
}  // namespace millrace::simulation

using millrace::simulation::LockCall;
using millrace::simulation::MutexCall;
using millrace::simulation::Next;
using millrace::simulation::Release;
using millrace::simulation::Take;

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static const auto take = Next<MutexCall>("pthread_mutex_lock");
  return Take(mutex, take, static_cast<MutexCall>(pthread_mutex_trylock));
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  static const auto release = Next<MutexCall>("pthread_mutex_unlock");
  return Release(mutex, release);
}

int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  static const auto take = Next<LockCall>("pthread_rwlock_rdlock");
  return Take(lock, take, static_cast<LockCall>(pthread_rwlock_tryrdlock));
}

int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  static const auto take = Next<LockCall>("pthread_rwlock_wrlock");
  return Take(lock, take, static_cast<LockCall>(pthread_rwlock_trywrlock));
}

int pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
  static const auto release = Next<LockCall>("pthread_rwlock_unlock");
  return Release(lock, release);
}

}  // extern "C"
