// SPDX-License-Identifier: Apache-2.0
// multipart/form-data as RFC 7578 has it, strictly: what doubtful bodies mean is not guessed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace catdog::service {

struct MultipartLimits {
  std::size_t max_parts = 256;
  std::size_t max_header_bytes = 8192;  // Of one part.
};

struct FormPart {
  std::string name;
  std::string filename;      // As sent: may hold any bytes but control characters. "" when none was given.
  std::string content_type;  // As sent; "" when none was given.
  std::string_view bytes;    // Points into the body.
};

// The boundary parameter of a multipart/form-data Content-Type value. Throws Problem (400).
std::string multipart_boundary(std::string_view content_type);

// The parts of `body` in order; they point into it. Throws Problem: 400 says what is wrong and at which byte, 413 when
// a limit is passed.
std::vector<FormPart> parse_multipart(std::string_view body, std::string_view boundary,
                                      const MultipartLimits& limits = {});

}  // namespace catdog::service
