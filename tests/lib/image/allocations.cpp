// SPDX-License-Identifier: Apache-2.0
#include "allocations.hpp"

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

// glibc's own, under the names that stay when malloc() is replaced.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);
}

namespace {

std::atomic<std::int64_t> now{0};
std::atomic<std::int64_t> peak{0};

void* counted(void* memory) {
  if (memory != nullptr) {
    const std::int64_t bytes = now += static_cast<std::int64_t>(malloc_usable_size(memory));
    if (bytes > peak) peak = bytes;
  }
  return memory;
}

void uncount(void* memory) {
  if (memory != nullptr) now -= static_cast<std::int64_t>(malloc_usable_size(memory));
}

}  // namespace

extern "C" {
void* malloc(std::size_t size) noexcept { return counted(__libc_malloc(size)); }
void* calloc(std::size_t count, std::size_t size) noexcept { return counted(__libc_calloc(count, size)); }
void* realloc(void* old, std::size_t size) noexcept {
  const std::int64_t before = now;
  uncount(old);
  void* memory = __libc_realloc(old, size);
  if (memory == nullptr && size != 0) now = before;
  return counted(memory);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept { return counted(__libc_memalign(alignment, size)); }
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept { return memalign(alignment, size); }
int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  *out = memalign(alignment, size);
  return *out != nullptr ? 0 : ENOMEM;
}
void free(void* memory) noexcept {
  uncount(memory);
  __libc_free(memory);
}
}

namespace catdog::test_support {

void start_counting_allocations() {
  now = 0;
  peak = 0;
}

std::int64_t peak_of_allocations() { return peak; }

}  // namespace catdog::test_support
