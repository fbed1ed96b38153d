// SPDX-License-Identifier: Apache-2.0
#include "model/signature.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "status.hpp"

namespace catdog::core {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t algorithm_bytes = 2;
constexpr std::size_t key_id_bytes = 8;
constexpr std::size_t head_bytes = algorithm_bytes + key_id_bytes;
constexpr std::size_t key_bytes = 32;
constexpr std::size_t signature_bytes = 64;
constexpr std::string_view trusted_prefix = "trusted comment: ";

[[noreturn]] void untrusted(const std::string& problem) {
  throw Failure(Status::model_checksum, "the model's signature: " + problem);
}

// Nothing unless it is base64 of exactly so many bytes.
std::optional<Bytes> decode(std::string_view base64, std::size_t size) {
  if (base64.size() != (size + 2) / 3 * 4) return std::nullopt;
  const auto is_digit = [](unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  const std::size_t padding = (3 - size % 3) % 3;
  const std::string_view digits = base64.substr(0, base64.size() - padding);
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
  if (base64.substr(digits.size()) != std::string_view("==").substr(0, padding)) return std::nullopt;
  Bytes bytes(base64.size() / 4 * 3);
  if (EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(base64.data()),
                      static_cast<int>(base64.size())) < 0) {
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

// Without line ends, neither Unix's nor Windows'.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// As minisign prints it.
std::string key_id(const Bytes& bytes) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string hex;
  for (std::size_t i = head_bytes; i-- > algorithm_bytes;) {
    hex += digits[bytes[i] >> 4U];
    hex += digits[bytes[i] & 15U];
  }
  return hex;
}

bool is_signed(std::span<const std::uint8_t> message, std::span<const std::uint8_t> signature, const Bytes& key) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> owner(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data() + head_bytes, key_bytes), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!owner || !context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, owner.get()) != 1) {
    throw Failure(Status::internal, "OpenSSL could not prepare an Ed25519 key");
  }
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

Bytes blake2b(std::span<const std::uint8_t> bytes) {
  Bytes digest(64);
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_blake2b512(), nullptr) != 1) {
    throw Failure(Status::internal, "OpenSSL could not compute a BLAKE2b");
  }
  return digest;
}

}  // namespace

std::string checked_trusted_key(std::string_view given) {
  const std::vector<std::string_view> lines = lines_of(given);
  if (lines.empty()) return "";
  const std::string_view key = lines.size() > 1 && lines[0].starts_with("untrusted comment:") ? lines[1] : lines[0];
  const auto bytes = decode(key, head_bytes + key_bytes);
  if (!bytes || (*bytes)[0] != 'E' || (*bytes)[1] != 'd') {
    throw Failure(Status::invalid_argument,
                  "trusted_key must be a public key of minisign, the 56 characters of the second line of minisign.pub");
  }
  return std::string(key);
}

void verify_signature(std::span<const std::uint8_t> file, std::string_view signature, std::string_view trusted_key) {
  const Bytes key = decode(trusted_key, head_bytes + key_bytes).value();
  const std::vector<std::string_view> lines = lines_of(signature);
  if (lines.size() < 4 || !lines[2].starts_with(trusted_prefix)) untrusted("it isn't the text that minisign writes");
  const auto of_file = decode(lines[1], head_bytes + signature_bytes);
  const auto of_all = decode(lines[3], signature_bytes);
  if (!of_file || !of_all || (*of_file)[0] != 'E') untrusted("it is damaged");
  if ((*of_file)[1] != 'D') untrusted("it is of an old kind; sign the model again, with minisign 0.11 or later");
  if (!std::equal(key.begin() + algorithm_bytes, key.begin() + head_bytes, of_file->begin() + algorithm_bytes)) {
    untrusted("key " + key_id(*of_file) + " made it, and " + key_id(key) + " is the one to trust");
  }
  const std::span bare = std::span(*of_file).subspan(head_bytes);
  if (!is_signed(blake2b(file), bare, key)) untrusted("it is that of another file, or forged");
  Bytes all(bare.begin(), bare.end());
  const std::string_view comment = lines[2].substr(trusted_prefix.size());
  all.insert(all.end(), comment.begin(), comment.end());
  if (!is_signed(all, *of_all, key)) untrusted("its trusted comment was changed");
}

}  // namespace catdog::core
