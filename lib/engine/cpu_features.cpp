// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu_features.hpp"

#include <dnnl.hpp>

namespace catdog::core {
namespace {

// oneDNN's sets of instructions are masks: a larger set has the bits of those that it includes.
bool cpu_has(dnnl::cpu_isa wanted) noexcept {
  const auto mask = static_cast<unsigned>(wanted);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & mask) == mask;
}

}  // namespace

bool cpu_has_fast_bf16() noexcept { return cpu_has(dnnl::cpu_isa::avx512_core_bf16); }
bool cpu_has_fast_int8() noexcept { return cpu_has(dnnl::cpu_isa::avx512_core_vnni); }

}  // namespace catdog::core
