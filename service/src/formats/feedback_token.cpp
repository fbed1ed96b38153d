// SPDX-License-Identifier: Apache-2.0
#include "formats/feedback_token.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <stdexcept>
#include <vector>

#include "formats/base64.hpp"
#include "formats/bearer.hpp"
#include "message.hpp"

namespace catdog::service {
namespace {

constexpr std::size_t tag_size = 32;  // Of HMAC-SHA-256.

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    throw std::runtime_error("no random bytes for the key of feedback");
  }
  return bytes;
}

Problem invalid_token() {
  return {400, "invalid-token", "'feedback_token' is not one that this service gave; send the one of the answer."};
}

template <typename Number>
Number number(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) throw invalid_token();
  return value;
}

}  // namespace

FeedbackTokens::FeedbackTokens(std::string key, std::chrono::seconds expiry)
    : key_(key.empty() ? random_bytes(tag_size) : std::move(key)), expiry_(expiry) {}

std::string FeedbackTokens::sign(std::string_view claim) const {
  std::string tag(tag_size, '\0');
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(claim.data()), claim.size(),
           reinterpret_cast<unsigned char*>(tag.data()), &size) == nullptr) {
    throw std::runtime_error("libcrypto cannot sign");
  }
  return tag;
}

// "v1.<label index>.<seconds since 1970>.<id>.<model's SHA-256>.<tag in base64url>": readable, because nothing in it is
// secret.
std::string FeedbackTokens::issue(int predicted, std::string_view model_sha256,
                                  std::chrono::system_clock::time_point now) const {
  const std::string bytes = random_bytes(sizeof(std::uint64_t));
  std::uint64_t id = 0;
  for (const char byte : bytes) id = id << 8U | static_cast<unsigned char>(byte);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  std::string claim =
      "v1." + std::to_string(predicted) + '.' + std::to_string(seconds) + '.' + std::to_string(id) + '.';
  claim += model_sha256;
  return claim + '.' + encode_base64url(sign(claim));
}

FeedbackClaim FeedbackTokens::check(std::string_view token, std::chrono::system_clock::time_point now) const {
  const std::size_t last = token.rfind('.');
  if (last == std::string_view::npos || token.size() > 512) throw invalid_token();
  const std::string_view signed_part = token.substr(0, last);
  if (!same_secret(token.substr(last + 1), encode_base64url(sign(signed_part)))) throw invalid_token();
  std::vector<std::string_view> parts;
  for (std::string_view rest = signed_part;;) {
    const std::size_t dot = rest.find('.');
    parts.push_back(rest.substr(0, dot));
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (parts.size() != 5 || parts[0] != "v1") throw invalid_token();
  FeedbackClaim claim;
  claim.predicted = number<int>(parts[1]);
  claim.at = std::chrono::system_clock::time_point(std::chrono::seconds(number<std::int64_t>(parts[2])));
  claim.id = number<std::uint64_t>(parts[3]);
  claim.model_sha256 = parts[4];
  if (now - claim.at > expiry_) {
    throw Problem(400, "expired-token", "'feedback_token' is too old; feedback is taken for a day.");
  }
  return claim;
}

}  // namespace catdog::service
