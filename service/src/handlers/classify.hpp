// SPDX-License-Identifier: Apache-2.0
// What /predict, /explain and the Open Inference Protocol have in common: images to predictions, in a worker.
#pragma once

#include <string>
#include <vector>

#include "formats/prediction.hpp"
#include "formats/upload.hpp"
#include "router.hpp"
#include "service.hpp"

namespace catdog::service {

// The model, or Problem 503 while there is none.
ModelPtr require_model(const Service& service);

using Work = Response (*)(Service&, Request&, const Turn&);
using Check = ModelPtr (*)(const Service&, const Request&);

// POST at that path, with a body: the work gets its turn in a worker, unless `check` throws or the queue refuses.
Route working_route(
    Service& service, std::string path, Work work,
    Check check = [](const Service& service, const Request&) { return require_model(service); });

// Parsing JSON holds its text twice more: the strings, and the bytes that they stand for. Charged to the request;
// throws Problem 503 when the account is full.
void charge_json(Request& request);

// Charges what decoding the image will cost, as its header tells. Waits in the worker while other workers use the
// account up. Throws GivenUp when nobody waits for the answer any more.
MemoryBudget::Share charge_decoding(Service& service, const Classifier& classifier, Bytes bytes, const Turn& turn);

// Classifies each image. Throws GivenUp between two images when nobody waits for the answer any more.
Predictions classify_all(Service& service, const LoadedModel& model, const Request& request, const Turn& turn,
                         const std::vector<Upload>& uploads);

}  // namespace catdog::service
