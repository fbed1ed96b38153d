// SPDX-License-Identifier: Apache-2.0
// What the Open Inference Protocol v2 answers: the verdicts on a request's images, and what server and model are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/oip_request.hpp"
#include "formats/prediction.hpp"

namespace catdog::service {

// The model's outputs, in the order in which they are sent when the client names none: label BYTES [n], probabilities
// FP32 [n, classes], confidence FP32 [n], status BYTES [n] ("ok" or the problem's type), answer and reason BYTES [n],
// neither FP32 [n] (-1 where the model can't say). Beside a problem texts are "" and numbers 0, neither is -1.
const std::vector<std::string>& infer_outputs();

// Throws the first image's Problem when none could be classified.
Response render_infer(const InferRequest& request, const Predictions& predictions, const Classifier& classifier);

std::string oip_server_metadata(std::string_view server_version);  // GET /v2
std::string oip_model_metadata(const Classifier& classifier);      // GET /v2/models/NAME[/versions/VERSION]

}  // namespace catdog::service
