// SPDX-License-Identifier: Apache-2.0
// What a host program may have done to its floating-point settings.
#pragma once

#include <cfenv>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace catdog::test_support {

inline int enabled_traps() {
#if defined(__GLIBC__)
  return fegetexcept();
#else
  return 0;
#endif
}

inline bool loses_denormals() {
  volatile float smallest = std::numeric_limits<float>::min();
  volatile float half = smallest / 2;
  return half == 0;
}

struct FloatMode {
  std::string name;
  std::function<void()> set;
  std::function<bool()> is_set;
};

inline void PrintTo(const FloatMode& mode, std::ostream* out) { *out << mode.name; }

inline std::vector<FloatMode> float_modes() {
  std::vector<FloatMode> modes;
  const auto rounding = [&modes](const char* name, int direction) {
    modes.push_back(
        {name, [direction] { std::fesetround(direction); }, [direction] { return std::fegetround() == direction; }});
  };
  rounding("upward", FE_UPWARD);
  rounding("downward", FE_DOWNWARD);
  rounding("toward_zero", FE_TOWARDZERO);
#if defined(__GLIBC__) && defined(__x86_64__)  // Not every processor can trap.
  modes.push_back({"traps",
                   [] {
                     std::feclearexcept(FE_ALL_EXCEPT);
                     feenableexcept(FE_ALL_EXCEPT);
                   },
                   [] { return enabled_traps() == FE_ALL_EXCEPT; }});
#endif
#if defined(__SSE__)
  constexpr unsigned flush = 0x8040;  // Results to zero, and operands taken as zero.
  modes.push_back(
      {"flush_to_zero", [] { _mm_setcsr(_mm_getcsr() | flush); }, [] { return (_mm_getcsr() & flush) == flush; }});
#endif
  return modes;
}

// Sets a mode and puts back what was there.
class ModeScope {
 public:
  explicit ModeScope(const FloatMode& mode) {
    std::fegetenv(&saved_);
    mode.set();
  }
  ~ModeScope() { std::fesetenv(&saved_); }
  ModeScope(const ModeScope&) = delete;
  ModeScope& operator=(const ModeScope&) = delete;

 private:
  std::fenv_t saved_{};
};

}  // namespace catdog::test_support
