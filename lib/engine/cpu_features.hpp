// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace catdog::core {

// Whether this CPU multiplies bf16 in hardware (AVX512_BF16 or AMX_BF16), so that bf16 is faster than fp32.
bool cpu_has_fast_bf16() noexcept;

}  // namespace catdog::core
