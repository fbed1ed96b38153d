// SPDX-License-Identifier: Apache-2.0
// JSON from a client: bounded in depth and in number of values, and never quoted back in an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace catdog::service {

struct JsonLimits {
  std::size_t max_depth = 16;
  std::size_t max_values = 20000;
};

// The document in `text`, which must be an object. Throws Problem: 400 with the byte where it stops being JSON or
// UTF-8, 413 when a limit is passed. `what` names the text ("the body").
nlohmann::json parse_json_object(std::string_view text, std::string_view what, const JsonLimits& limits = {});

// The number, if it is a whole one: JSON knows no integers, and clients whose language doesn't either send 1.0.
std::optional<std::uint64_t> whole_number(const nlohmann::json& value);

// JSON text in which bytes that are not UTF-8 became U+FFFD.
std::string dump_json(const nlohmann::ordered_json& document);

}  // namespace catdog::service
