// SPDX-License-Identifier: Apache-2.0
#include "runtime/deadline.hpp"

#include <string>

#include "status.hpp"

namespace catdog::core {

void Deadline::check() const {
  if (passed()) {
    throw Failure(Status::limit, "the image took longer than the timeout of " + std::to_string(timeout_.count()) +
                                     " ms; make it smaller or raise timeout_ms");
  }
}

}  // namespace catdog::core
