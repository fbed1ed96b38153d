// SPDX-License-Identifier: Apache-2.0
// "Authorization: Bearer TOKEN".
#pragma once

#include <optional>
#include <string_view>

#include "message.hpp"

namespace catdog::service {

// Takes as long for a wrong first byte as for a wrong last one.
bool same_secret(std::string_view given, std::string_view secret) noexcept;

// Problem 401 unless the request has the token.
std::optional<Problem> missing_bearer(const Request& request, std::string_view token);

}  // namespace catdog::service
