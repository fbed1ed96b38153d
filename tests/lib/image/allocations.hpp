// SPDX-License-Identifier: Apache-2.0
// Counts what the whole process allocates: a test that links this replaces the C library's malloc().
#pragma once

#include <cstdint>

namespace catdog::test_support {

// From now on; several threads at once would be mixed up.
void start_counting_allocations();
// Most bytes that were allocated at once since then, beside those that were before.
std::int64_t peak_of_allocations();

}  // namespace catdog::test_support
