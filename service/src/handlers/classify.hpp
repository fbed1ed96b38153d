// SPDX-License-Identifier: Apache-2.0
// What /predict and the Open Inference Protocol have in common: images to predictions, in a worker.
#pragma once

#include <vector>

#include "formats/prediction.hpp"
#include "formats/upload.hpp"
#include "service.hpp"

namespace catdog::service {

// The model, or Problem 503 while there is none.
ModelPtr require_model(const Service& service);

// Parsing JSON holds its text twice more: the strings, and the bytes that they stand for. Charged to the request;
// throws Problem 503 when the account is full.
void charge_json(Request& request);

// Classifies each image. Throws GivenUp between two images when nobody waits for the answer any more.
Predictions classify_all(Service& service, const LoadedModel& model, const Request& request, const Turn& turn,
                         const std::vector<Upload>& uploads);

}  // namespace catdog::service
