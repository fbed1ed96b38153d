// SPDX-License-Identifier: Apache-2.0
// The images of POST /predict, in each of the forms that clients send them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "message.hpp"

namespace catdog::service {

// One encoded image out of a request. `bytes` points into the request's body or into `owned`.
struct Upload {
  std::string name;        // File name as the client gave it, "" when it gave none. Untrusted.
  std::string owned;       // Decoded base64, else empty.
  std::string_view bytes;  // Set even when `owned` holds them.
};

// A form with one or more `file` fields, JSON {"image": base64} or {"images": […]}, or the raw body. Never empty;
// throws Problem: 400, 413 for more than max_images, 415.
std::vector<Upload> read_uploads(const Request& request, std::size_t max_images);

}  // namespace catdog::service
