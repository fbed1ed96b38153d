// SPDX-License-Identifier: Apache-2.0
// CPU, memory, threads and files of the process, and CPU and memory of the machine, from /proc and the control group.
#pragma once

#include "metrics.hpp"

namespace catdog::service {

// Read anew at each scrape.
void add_process_metrics(Metrics& metrics);

}  // namespace catdog::service
