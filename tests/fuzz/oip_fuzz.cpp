// SPDX-License-Identifier: Apache-2.0
// Inference requests, and replies to what they ask for. The first two bytes are the length of the JSON, 0xffff = none.
#include <cstdint>
#include <cstdlib>

#include "codec/oip.hpp"

using namespace catdog::service;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Request request;
  request.body.assign(reinterpret_cast<const char*>(data + 2), size - 2);
  const unsigned length = data[0] | data[1] << 8U;
  if (length != 0xffff) request.headers.push_back({"Inference-Header-Content-Length", std::to_string(length)});
  const ModelInfo model{"pets", "1", "", "native", "fp32", {"cat", "dog"}, 8, 8};
  try {
    const InferRequest parsed = parse_infer(request, 8);
    if (parsed.pictures.empty() || parsed.pictures.size() > 8) std::abort();
    std::vector<Verdict> verdicts;
    for (const Upload& picture : parsed.pictures) {
      Verdict verdict;
      verdict.status = picture.bytes.at(0) % 2 == 0 ? 200 : 422;
      verdict.label = verdict.problem_type = picture.bytes;
      verdict.probabilities = {{"cat", 0.5}, {"dog", 0.5}};
      verdicts.push_back(verdict);
    }
    if (render_infer(parsed, verdicts, model).body.empty()) std::abort();
  } catch (const Problem& problem) {  // The only way to fail.
    if (problem.status() < 400 || problem.status() >= 500) std::abort();
  }
  try {
    parse_model_path("/v2/models/" + request.body);
  } catch (const Problem&) {
  }
  return 0;
}
