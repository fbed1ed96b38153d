// SPDX-License-Identifier: Apache-2.0
// Where each buffer of a plan lies in one block of memory: buffers that are never alive together share bytes.
#pragma once

#include <cstddef>
#include <vector>

namespace catdog::core::native {

inline constexpr std::size_t arena_alignment = 64;

struct Buffer {
  std::size_t bytes = 0;
  int first = 0;  // First and last step that touch it.
  int last = 0;
  std::size_t offset = 0;  // Result.
};

// Sets the offsets and returns the bytes of the whole. Largest first, each at the lowest place that is free during its
// life.
std::size_t place_buffers(std::vector<Buffer>& buffers);

}  // namespace catdog::core::native
