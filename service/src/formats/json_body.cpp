// SPDX-License-Identifier: Apache-2.0
#include "formats/json_body.hpp"

#include <cmath>

#include "formats/text.hpp"

namespace catdog::service {

nlohmann::json parse_json_object(std::string_view text, std::string_view what, const JsonLimits& limits) {
  using nlohmann::json;
  // The lexer takes NUL for the end of its input.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    malformed(std::string(what) + " isn't JSON: it has a NUL at byte " + std::to_string(nul));
  }
  std::size_t count = 0;
  const auto limit = [&](int depth, json::parse_event_t event, const json&) {
    if (event == json::parse_event_t::object_end || event == json::parse_event_t::array_end) return true;
    const bool nests = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (nests && static_cast<std::size_t>(depth) >= limits.max_depth) {
      throw Problem(413, "json-too-deep",
                    std::string(what) + " nests deeper than " + std::to_string(limits.max_depth) + " levels");
    }
    if (++count > limits.max_values) {
      throw Problem(413, "json-too-large",
                    std::string(what) + " has more than " + std::to_string(limits.max_values) + " names and values");
    }
    return true;
  };
  try {
    json document = json::parse(text.begin(), text.end(), limit);
    if (!document.is_object()) malformed(std::string(what) + " must be a JSON object");
    return document;
  } catch (const json::parse_error& error) {  // Its own message would quote the client's bytes.
    malformed(std::string(what) + " isn't JSON in UTF-8 at byte " + std::to_string(error.byte));
  } catch (const json::exception&) {
    malformed(std::string(what) + " has a number that is out of range");
  }
}

std::optional<std::uint64_t> whole_number(const nlohmann::json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  // Beyond 2^53 a double no longer tells neighbours apart.
  if (number < 0 || number > 9007199254740992.0 || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::uint64_t>(number);
}

std::string dump_json(const nlohmann::ordered_json& document) {
  return document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace catdog::service
