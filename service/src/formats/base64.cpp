// SPDX-License-Identifier: Apache-2.0
#include "formats/base64.hpp"

#include <array>
#include <cstdint>

#include "formats/text.hpp"

namespace catdog::service {
namespace {

constexpr std::uint8_t no_digit = 64;
constexpr std::string_view standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::size_t i = 0; i < standard.size(); ++i) {
    values[static_cast<unsigned char>(standard[i])] = static_cast<std::uint8_t>(i);
  }
  values['-'] = 62;
  values['_'] = 63;
  return values;
}

constexpr std::array<std::uint8_t, 256> values = make_values();

}  // namespace

std::string decode_base64(std::string_view text, std::string_view what) {
  const std::string_view digits = text.substr(0, text.find('='));
  const std::size_t padding = text.size() - digits.size();
  const std::size_t tail = digits.size() % 4;
  std::string bytes;
  // Never so short that the string keeps it inside itself: views of it must live through a move of the string.
  bytes.reserve(digits.size() / 4 * 3 + 64);
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::uint8_t value = values[static_cast<unsigned char>(digits[i])];
    if (value == no_digit) malformed(std::string(what) + " isn't base64 at character " + std::to_string(i));
    group = group << 6U | value;
    if (i % 4 == 3) {
      bytes += static_cast<char>(group >> 16U & 0xffU);
      bytes += static_cast<char>(group >> 8U & 0xffU);
      bytes += static_cast<char>(group & 0xffU);
      group = 0;
    }
  }
  if (tail == 1 || (padding != 0 && (padding > 2 || text.size() % 4 != 0))) {
    malformed(std::string(what) + " isn't base64: its length or padding is wrong");
  }
  if (text.substr(digits.size()).find_first_not_of('=') != std::string_view::npos) {
    malformed(std::string(what) + " isn't base64: it goes on after its padding");
  }
  if (digits.find_first_of("+/") != std::string_view::npos && digits.find_first_of("-_") != std::string_view::npos) {
    malformed(std::string(what) + " mixes the standard and the URL alphabet of base64");
  }
  if (tail == 0) return bytes;
  const std::uint32_t unused = tail == 2 ? group & 0xfU : group & 0x3U;
  if (unused != 0) malformed(std::string(what) + " isn't base64: its last character has bits that no byte uses");
  if (tail == 2) {
    bytes += static_cast<char>(group >> 4U);
  } else {
    bytes += static_cast<char>(group >> 10U & 0xffU);
    bytes += static_cast<char>(group >> 2U & 0xffU);
  }
  return bytes;
}

std::string encode_base64url(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    group = group << 8U | static_cast<unsigned char>(byte);
    for (bits += 8; bits >= 6; bits -= 6) text += digits[group >> (bits - 6) & 63U];
  }
  if (bits > 0) text += digits[group << (6 - bits) & 63U];
  return text;
}

std::string decode_base64_image(std::string_view text, std::string_view what) {
  constexpr std::size_t longest_prefix = 256;
  if (equal_ignoring_case(text.substr(0, 5), "data:")) {
    const std::size_t comma = text.substr(0, longest_prefix).find(',');
    constexpr std::string_view marker = ";base64";
    if (comma == std::string_view::npos || comma < marker.size() ||
        !equal_ignoring_case(text.substr(comma - marker.size(), marker.size()), marker)) {
      malformed(std::string(what) + " is a data: URL without ';base64,'");
    }
    text.remove_prefix(comma + 1);
  }
  return decode_base64(text, what);
}

}  // namespace catdog::service
