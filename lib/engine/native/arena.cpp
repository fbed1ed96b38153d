// SPDX-License-Identifier: Apache-2.0
#include "engine/native/arena.hpp"

#include <algorithm>
#include <numeric>

namespace catdog::core::native {
namespace {

std::size_t padded(std::size_t bytes) { return (bytes + arena_alignment - 1) / arena_alignment * arena_alignment; }

}  // namespace

std::size_t place_buffers(std::vector<Buffer>& buffers) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<const Buffer*> placed;  // By offset.
  std::size_t total = 0;
  for (const std::size_t index : order) {
    Buffer& buffer = buffers[index];
    std::size_t offset = 0;
    for (const Buffer* other : placed) {
      if (other->last < buffer.first || buffer.last < other->first) continue;
      if (offset + padded(buffer.bytes) <= other->offset) break;
      offset = std::max(offset, other->offset + padded(other->bytes));
    }
    buffer.offset = offset;
    total = std::max(total, offset + padded(buffer.bytes));
    const auto after = std::upper_bound(placed.begin(), placed.end(), offset,
                                        [](std::size_t value, const Buffer* other) { return value < other->offset; });
    placed.insert(after, &buffer);
  }
  return total;
}

}  // namespace catdog::core::native
