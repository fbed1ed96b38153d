// SPDX-License-Identifier: Apache-2.0
// Content-Type and Content-Disposition values: a token, then `; name=value` parameters, quoted or not.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace catdog::service {

struct MediaType {
  std::string essence;  // "image/jpeg", in lower case; "form-data" for a disposition.
  std::vector<std::pair<std::string, std::string>> parameters;  // Names in lower case, values unquoted.

  // Null when there is none of that name.
  const std::string* parameter(std::string_view name) const noexcept;
};

// Throws Problem (400): `what` names the header in its detail. A parameter given twice is an error.
MediaType parse_media_type(std::string_view value, std::string_view what);

}  // namespace catdog::service
