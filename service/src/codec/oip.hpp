// SPDX-License-Identifier: Apache-2.0
// Open Inference Protocol v2 on REST, with the binary-data extension. One input, `image`: BYTES [n] or [n, 1], encoded
// pictures. In JSON each is base64; in the binary extension a little-endian 32-bit length before its bytes;
// `Inference-Header-Content-Length: 0` makes the whole body one picture, as Triton has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exchange.hpp"

namespace catdog::service {

enum class InferOutput { label, probabilities, confidence, status };

struct WantedOutput {
  InferOutput output;
  bool binary = false;
};

struct InferRequest {
  std::string id;  // The client's, "" when it gave none.
  std::vector<Upload> pictures;
  std::vector<WantedOutput> outputs;  // In the order asked for; all four when the client named none.
};

// Throws Problem: 400, 413 for more than max_pictures, 415 for another content type.
InferRequest parse_infer(const Request& request, std::size_t max_pictures);

// One verdict a picture, in order. Outputs: label BYTES [n], probabilities FP32 [n, classes], confidence FP32 [n],
// status BYTES [n] ("ok" or the problem's type; label "" and zeros beside a problem). When no picture could be
// classified the reply is the protocol's error with the first one's status.
Response render_infer(const InferRequest& request, const std::vector<Verdict>& verdicts, const ModelInfo& model);

// {"error": "…"} with the problem's status and headers: for every error under /v2.
Response oip_error(const Problem& problem);

std::string oip_server_metadata(std::string_view server_version);  // GET /v2
std::string oip_model_metadata(const ModelInfo& model);            // GET /v2/models/NAME[/versions/VERSION]

// What /v2/models/… asks for. An empty `version` is the current one.
struct ModelPath {
  std::string name;
  std::string version;
};

// Splits a path that starts with "/v2/models/". Throws Problem (404) for one that the protocol doesn't have.
ModelPath parse_model_path(std::string_view path);

}  // namespace catdog::service
