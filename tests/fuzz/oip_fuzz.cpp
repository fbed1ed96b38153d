// SPDX-License-Identifier: Apache-2.0
// Inference requests. The first two bytes are the length of the JSON, 0xffff = none.
#include <cstdint>
#include <cstdlib>

#include "formats/oip_request.hpp"

using namespace catdog::service;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Request request;
  request.body.assign(reinterpret_cast<const char*>(data + 2), size - 2);
  const unsigned length = data[0] | data[1] << 8U;
  if (length != 0xffff) request.headers.push_back({"Inference-Header-Content-Length", std::to_string(length)});
  try {
    const InferRequest parsed = parse_infer(request, 8);
    if (parsed.images.empty() || parsed.images.size() > 8 || parsed.outputs.empty()) std::abort();
  } catch (const Problem& problem) {  // The only way to fail.
    if (problem.status() < 400 || problem.status() >= 500) std::abort();
  }
  return 0;
}
