// SPDX-License-Identifier: Apache-2.0
// Forms: the boundary comes first, up to a line feed, then the body.
#include <cstdint>
#include <cstdlib>
#include <functional>

#include "formats/multipart.hpp"
#include "formats/upload.hpp"

using namespace catdog::service;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  Request request;
  request.headers.push_back({"Content-Type", "multipart/form-data; boundary=" + std::string(input.substr(0, line))});
  if (line != std::string_view::npos) request.body = input.substr(line + 1);
  try {
    for (const FormPart& part : parse_multipart(request.body, multipart_boundary(request.headers[0].value))) {
      const bool outside =
          std::less<>()(part.bytes.data(), request.body.data()) ||
          std::less<>()(request.body.data() + request.body.size(), part.bytes.data() + part.bytes.size());
      if (part.name.empty() || (!part.bytes.empty() && outside)) std::abort();
    }
    if (read_uploads(request, 8).empty()) std::abort();
  } catch (const Problem& problem) {  // The only way to fail.
    if (problem.status() < 400 || problem.status() >= 500) std::abort();
  }
  return 0;
}
