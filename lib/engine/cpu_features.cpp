// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu_features.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdint>

namespace catdog::core {

#if defined(__x86_64__)
namespace {

// Register state that the operating system saves for its threads (XCR0).
std::uint64_t enabled_state() noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

bool has_fast_bf16() noexcept {
  constexpr std::uint64_t avx512_state = 0xE6;  // SSE, AVX, opmask, upper ZMM.
  constexpr std::uint64_t amx_state = 0x60000;  // Tile configuration and data.
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return false;
  const std::uint64_t state = enabled_state();
  if ((state & avx512_state) != avx512_state) return false;  // oneDNN's AMX kernels need AVX-512 too.
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  const unsigned last_leaf = a;
  const bool amx_bf16 = (d & (1U << 22)) != 0 && (state & amx_state) == amx_state;
  if (last_leaf < 1 || __get_cpuid_count(7, 1, &a, &b, &c, &d) == 0) return amx_bf16;
  const bool avx512_bf16 = (a & (1U << 5)) != 0;
  return avx512_bf16 || amx_bf16;
}

}  // namespace

bool cpu_has_fast_bf16() noexcept {
  static const bool result = has_fast_bf16();
  return result;
}
#else
bool cpu_has_fast_bf16() noexcept { return false; }
#endif

}  // namespace catdog::core
