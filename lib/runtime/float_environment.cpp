// SPDX-License-Identifier: Apache-2.0
#include "runtime/float_environment.hpp"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace catdog::core {

DefaultFloatEnvironment::DefaultFloatEnvironment() noexcept {
  std::fegetenv(&saved_);
  std::fesetenv(FE_DFL_ENV);
#if defined(__SSE__)
  _mm_setcsr(0x1F80);  // Older C libraries leave flush-to-zero and denormals-are-zero as they are.
#endif
}

DefaultFloatEnvironment::~DefaultFloatEnvironment() { std::fesetenv(&saved_); }

}  // namespace catdog::core
