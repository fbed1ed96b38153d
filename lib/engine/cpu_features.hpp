// SPDX-License-Identifier: Apache-2.0
// What oneDNN may use of this CPU (ONEDNN_MAX_CPU_ISA can take some away).
#pragma once

namespace catdog::core {

// Whether it multiplies bf16 in hardware (AVX512_BF16 or AMX), so that bf16 is faster than fp32.
bool cpu_has_fast_bf16() noexcept;
// Whether it multiplies 8-bit integers and sums them without saturating (AVX512_VNNI or AMX).
bool cpu_has_fast_int8() noexcept;

}  // namespace catdog::core
