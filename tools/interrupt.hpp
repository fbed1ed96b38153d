// SPDX-License-Identifier: Apache-2.0
// Ctrl-C ends a long run cleanly: what was written is whole, and a prefix of the rest.
#pragma once

namespace catdog::cli {

// From here on the first Ctrl-C only sets the flag; the second one kills. Call it when there is something to end.
void catch_interrupt();

bool interrupted() noexcept;

}  // namespace catdog::cli
