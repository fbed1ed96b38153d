// SPDX-License-Identifier: Apache-2.0
// Open Inference Protocol v2 on REST, with the binary-data extension. One input, `image`: BYTES [n] or [n, 1], encoded
// images. In JSON each is base64; in the binary extension a little-endian 32-bit length before its bytes;
// `Inference-Header-Content-Length: 0` makes the whole body one image, as Triton has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/prediction.hpp"
#include "formats/upload.hpp"

namespace catdog::service {

struct WantedOutput {
  std::string name;
  bool binary = false;
};

struct InferRequest {
  std::string id;  // The client's, "" when it gave none.
  std::vector<Upload> images;
  std::vector<WantedOutput> outputs;  // In the order asked for; all of them when the client named none.
};

// Throws Problem: 400, 413 for more than max_images, 415 for another content type.
InferRequest parse_infer(const Request& request, std::size_t max_images);

// The model's outputs, in the order in which they are sent when the client names none: label BYTES [n], probabilities
// FP32 [n, classes], confidence FP32 [n], status BYTES [n] ("ok" or the problem's type), answer and reason BYTES [n],
// neither FP32 [n] (-1 where the model can't say). Beside a problem texts are "" and numbers 0, neither is -1.
const std::vector<std::string>& infer_outputs();

// Throws the first image's Problem when none could be classified.
Response render_infer(const InferRequest& request, const Predictions& predictions, const Classifier& classifier);

std::string oip_server_metadata(std::string_view server_version);  // GET /v2
std::string oip_model_metadata(const Classifier& classifier);      // GET /v2/models/NAME[/versions/VERSION]

}  // namespace catdog::service
