// SPDX-License-Identifier: Apache-2.0
// Many workers, one order: results are delivered in the order of the input, with a bounded number waiting.
#pragma once

#include <cstddef>
#include <functional>

#include "session.hpp"

namespace catdog::cli {

// Calls work(i) for each i in [0, count) on `threads` threads, and deliver(verdict) on the caller's thread in the order
// of i. Stops early when Ctrl-C is pressed: all that was delivered is then a prefix of the whole; a second one kills.
// An exception of either stops the workers and comes out here. Returns the number delivered.
std::size_t run_in_order(std::size_t count, int threads, const std::function<Verdict(std::size_t)>& work,
                         const std::function<void(const Verdict&)>& deliver);

}  // namespace catdog::cli
