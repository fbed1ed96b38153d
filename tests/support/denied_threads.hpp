// SPDX-License-Identifier: Apache-2.0
// A system that grants no more threads. Include it in one source of a test program: it takes the place of
// pthread_create().
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include <atomic>

namespace catdog::test_support {

inline std::atomic<int> threads_left{1 << 20};

// So many threads can be started while it lives.
class DeniedThreads {
 public:
  explicit DeniedThreads(int granted) { threads_left = granted; }
  ~DeniedThreads() { threads_left = 1 << 20; }
  DeniedThreads(const DeniedThreads&) = delete;
  DeniedThreads& operator=(const DeniedThreads&) = delete;
};

}  // namespace catdog::test_support

extern "C" __attribute__((visibility("default"))) int pthread_create(pthread_t* thread,
                                                                     const pthread_attr_t* attributes,
                                                                     void* (*work)(void*), void* argument) {
  if (catdog::test_support::threads_left.fetch_sub(1) <= 0) return EAGAIN;
  static const auto real = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, work, argument);
}
