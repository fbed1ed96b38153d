// SPDX-License-Identifier: Apache-2.0
#include "trace.hpp"

#include <algorithm>
#include <cstdint>
#include <random>

namespace catdog::service {

namespace {

std::string random_hex(std::size_t digits) {
  thread_local std::mt19937_64 engine{(std::uint64_t{std::random_device{}()} << 32U) ^ std::random_device{}()};
  std::string text;
  while (text.size() < digits) {
    std::uint64_t bits = engine();
    for (int i = 0; i < 16 && text.size() < digits; ++i, bits >>= 4U) text += "0123456789abcdef"[bits & 15U];
  }
  return text;
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool all_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::string make_request_id() { return random_hex(32); }

bool is_sound_request_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::string continue_trace(std::string_view traceparent) {
  // version "-" trace-id "-" parent-id "-" flags
  const bool sound = traceparent.size() == 55 && traceparent.substr(0, 3) == "00-" && traceparent[35] == '-' &&
                     traceparent[52] == '-' && is_hex(traceparent.substr(3, 32)) &&
                     is_hex(traceparent.substr(36, 16)) && is_hex(traceparent.substr(53)) &&
                     !all_zero(traceparent.substr(3, 32)) && !all_zero(traceparent.substr(36, 16));
  if (!sound) return "00-" + random_hex(32) + "-" + random_hex(16) + "-00";
  return std::string(traceparent.substr(0, 36)) + random_hex(16) + std::string(traceparent.substr(52));
}

}  // namespace catdog::service
