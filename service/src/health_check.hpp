// SPDX-License-Identifier: Apache-2.0
// `catdog-server --check-health`: asks the server that runs with the same settings whether it is ready. For the health
// check of a container, which has no other HTTP client.
#pragma once

#include "config.hpp"

namespace catdog::service {

// Says in one line what came of it. 0: ready; 1: not, or nobody answered.
int check_health(const Config& config);

}  // namespace catdog::service
