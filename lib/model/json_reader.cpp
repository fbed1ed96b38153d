// SPDX-License-Identifier: Apache-2.0
#include "model/json_reader.hpp"

#include <cmath>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "status.hpp"

namespace catdog::core::json_reader {
namespace {

constexpr int max_depth = 32;

std::string in_range(double low, double high) {
  std::ostringstream out;
  out.precision(10);
  out << "must be from " << low << " to " << high;
  return out.str();
}

std::string field(const std::string& where, const char* key) { return where.empty() ? key : where + "." + key; }

}  // namespace

void fail(const std::string& where, const std::string& problem) {
  throw Failure(Status::model_format, where + ": " + problem);
}

Json parse(std::string_view text, const std::string& where) {
  std::vector<std::set<std::string>> keys;  // Of each open object.
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    switch (event) {
      case Json::parse_event_t::object_start: keys.emplace_back(); [[fallthrough]];
      case Json::parse_event_t::array_start:
        if (depth >= max_depth) fail(where, "nested deeper than " + std::to_string(max_depth) + " levels");
        break;
      case Json::parse_event_t::key:
        if (!keys.back().insert(value.get_ref<const std::string&>()).second) {
          fail(where, "key \"" + value.get_ref<const std::string&>() + "\" occurs twice");
        }
        break;
      case Json::parse_event_t::object_end: keys.pop_back(); break;
      default: break;
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check);
  } catch (const Json::exception& error) {
    fail(where, std::string("not valid JSON: ") + error.what());
  }
}

const Json* find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Json& require(const Json& object, const char* key, const std::string& where) {
  const Json* value = find(object, key);
  if (value == nullptr) fail(field(where, key), "is missing");
  return *value;
}

std::int64_t as_integer(const Json& value, std::int64_t low, std::int64_t high, const std::string& where) {
  if (!value.is_number_integer()) fail(where, "must be a whole number");
  const bool too_large = value.is_number_unsigned() && (high < 0 || value.get<std::uint64_t>() > std::uint64_t(high));
  if (too_large || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
    fail(where, "must be from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value.get<std::int64_t>();
}

double as_number(const Json& value, double low, double high, const std::string& where) {
  if (!value.is_number()) fail(where, "must be a number");
  const double number = value.get<double>();
  if (!std::isfinite(number) || number < low || number > high) fail(where, in_range(low, high));
  return number;
}

const std::string& as_text(const Json& value, std::size_t min_bytes, std::size_t max_bytes, const std::string& where) {
  if (!value.is_string()) fail(where, "must be a string");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() < min_bytes || text.size() > max_bytes) {
    fail(where, "must have from " + std::to_string(min_bytes) + " to " + std::to_string(max_bytes) + " bytes");
  }
  // The C API hands texts out as C strings: a NUL would cut them short.
  if (text.find('\0') != std::string::npos) fail(where, "must not contain a NUL character");
  return text;
}

bool as_boolean(const Json& value, const std::string& where) {
  if (!value.is_boolean()) fail(where, "must be true or false");
  return value.get<bool>();
}

const Json& as_object(const Json& value, const std::string& where) {
  if (!value.is_object()) fail(where, "must be an object");
  return value;
}

const Json& as_array(const Json& value, std::size_t min_items, std::size_t max_items, const std::string& where) {
  if (!value.is_array()) fail(where, "must be an array");
  if (value.size() < min_items || value.size() > max_items) {
    fail(where, "must have from " + std::to_string(min_items) + " to " + std::to_string(max_items) + " items");
  }
  return value;
}

std::int64_t integer(const Json& object, const char* key, std::int64_t low, std::int64_t high, const std::string& where,
                     std::optional<std::int64_t> fallback) {
  if (fallback && find(object, key) == nullptr) return *fallback;
  return as_integer(require(object, key, where), low, high, field(where, key));
}

double number(const Json& object, const char* key, double low, double high, const std::string& where,
              std::optional<double> fallback) {
  if (fallback && find(object, key) == nullptr) return *fallback;
  return as_number(require(object, key, where), low, high, field(where, key));
}

std::string text(const Json& object, const char* key, std::size_t min_bytes, std::size_t max_bytes,
                 const std::string& where, std::optional<std::string> fallback) {
  if (fallback && find(object, key) == nullptr) return *std::move(fallback);
  return as_text(require(object, key, where), min_bytes, max_bytes, field(where, key));
}

bool boolean(const Json& object, const char* key, const std::string& where, bool fallback) {
  const Json* value = find(object, key);
  return value == nullptr ? fallback : as_boolean(*value, field(where, key));
}

}  // namespace catdog::core::json_reader
