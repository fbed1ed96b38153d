// SPDX-License-Identifier: Apache-2.0
#include "formats/bearer.hpp"

#include "formats/text.hpp"

namespace catdog::service {

bool same_secret(std::string_view given, std::string_view secret) noexcept {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size() && !secret.empty(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(secret[i % secret.size()]);
  }
  return difference == 0;
}

std::optional<Problem> missing_bearer(const Request& request, std::string_view token) {
  constexpr std::string_view scheme = "Bearer ";  // RFC 9110: in any case.
  const std::string_view given = request.header("Authorization");
  const bool bearer = equal_ignoring_case(given.substr(0, scheme.size()), scheme);
  if (bearer && same_secret(trim(given.substr(scheme.size())), token)) return std::nullopt;
  return Problem(401, "unauthorised", "Send the token: 'Authorization: Bearer …'.", {{"WWW-Authenticate", "Bearer"}});
}

}  // namespace catdog::service
