// SPDX-License-Identifier: Apache-2.0
// JSON bodies: images for even first bytes, feedback for odd ones.
#include <cstdint>
#include <cstdlib>

#include "formats/feedback.hpp"
#include "formats/upload.hpp"

using namespace catdog::service;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Request request;
  request.headers.push_back({"Content-Type", "application/json"});
  request.body.assign(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    if (data[0] % 2 == 0) {
      const std::vector<Upload> uploads = read_uploads(request, 8);
      for (const Upload& upload : uploads) {
        if (upload.bytes.data() != upload.owned.data()) std::abort();
      }
    } else {
      const Feedback feedback = parse_feedback(request, {"cat", "dog"});
      if (feedback.label < 0 || feedback.label > 1) std::abort();
    }
  } catch (const Problem& problem) {  // The only way to fail.
    if (problem.status() < 400 || problem.status() >= 500) std::abort();
  }
  return 0;
}
