// SPDX-License-Identifier: Apache-2.0
// A request of the Open Inference Protocol v2 on REST, with the binary-data extension. One input, `image`: BYTES [n] or
// [n, 1], encoded images. In JSON each is base64; in the binary extension a little-endian 32-bit length before its
// bytes; `Inference-Header-Content-Length: 0` makes the whole body one image, as Triton has it.
#pragma once

#include <string>
#include <vector>

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

}  // namespace catdog::service
