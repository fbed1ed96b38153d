// SPDX-License-Identifier: Apache-2.0
// The members of a problem document, for replies and for single pictures of a list.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace catdog::service {

nlohmann::ordered_json problem_members(int status, std::string_view type, std::string_view detail,
                                       std::string_view request_id);

}  // namespace catdog::service
