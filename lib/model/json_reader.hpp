// SPDX-License-Identifier: Apache-2.0
// JSON that nobody vouches for: parsing and typed, range-checked field access whose errors name the field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace catdog::core::json_reader {

using Json = nlohmann::json;

// Throws Failure(model_format): "<where>: <problem>".
[[noreturn]] void fail(const std::string& where, const std::string& problem);

// Parses a text; refuses nesting deeper than 32 levels and a key that occurs twice in an object. `where` opens the
// error message.
Json parse(std::string_view text, const std::string& where);

// The field, or nullptr when it is absent or null.
const Json* find(const Json& object, const char* key);
const Json& require(const Json& object, const char* key, const std::string& where);

// Values, with `where` naming them in errors.
std::int64_t as_integer(const Json& value, std::int64_t low, std::int64_t high, const std::string& where);
double as_number(const Json& value, double low, double high, const std::string& where);
const std::string& as_text(const Json& value, std::size_t min_bytes, std::size_t max_bytes, const std::string& where);
bool as_boolean(const Json& value, const std::string& where);
const Json& as_object(const Json& value, const std::string& where);
const Json& as_array(const Json& value, std::size_t min_items, std::size_t max_items, const std::string& where);

// Fields: without a fallback they must be there.
std::int64_t integer(const Json& object, const char* key, std::int64_t low, std::int64_t high, const std::string& where,
                     std::optional<std::int64_t> fallback = std::nullopt);
double number(const Json& object, const char* key, double low, double high, const std::string& where,
              std::optional<double> fallback = std::nullopt);
std::string text(const Json& object, const char* key, std::size_t min_bytes, std::size_t max_bytes,
                 const std::string& where, std::optional<std::string> fallback = std::nullopt);
bool boolean(const Json& object, const char* key, const std::string& where, bool fallback);

}  // namespace catdog::core::json_reader
