// SPDX-License-Identifier: Apache-2.0
// What /predict and the Open Inference Protocol have in common: pictures to verdicts, in a worker.
#pragma once

#include <string>
#include <vector>

#include "router.hpp"
#include "service.hpp"

namespace catdog::service {

// The model, or Problem 503 while there is none.
ModelPtr require_model(const Service& service);

// Refuses pictures before they are read while there is no model or the queue would refuse them.
Admission admission(Service& service);

// One verdict for each picture, in order. Stops with Problem 503 at the request's deadline, and between pictures when
// the client went away.
std::vector<Verdict> classify_all(Service& service, const LoadedModel& model, const Call& call,
                                  const std::vector<Upload>& uploads, double queue_ms);

// "queue;dur=0.1, decode;dur=0.8, …", of all pictures together.
std::string server_timing(const std::vector<Verdict>& verdicts);

}  // namespace catdog::service
