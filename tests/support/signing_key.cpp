// SPDX-License-Identifier: Apache-2.0
#include "support/signing_key.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>
#include <vector>

namespace catdog::test_support {
namespace {

std::string base64(const std::string& bytes) {
  std::vector<unsigned char> text(bytes.size() / 3 * 4 + 5);
  const int size = EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  return {text.begin(), text.begin() + size};
}

std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_of(const std::array<std::uint8_t, 32>& secret) {
  return {EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.data(), secret.size()), EVP_PKEY_free};
}

std::string signature_of(const std::string& message, const std::array<std::uint8_t, 32>& secret) {
  const auto key = key_of(secret);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(message.data()), message.size()) != 1) {
    throw std::runtime_error("OpenSSL can't sign");
  }
  return signature;
}

}  // namespace

SigningKey::SigningKey(std::uint8_t number) : id_(8, static_cast<char>(number)) { secret_.fill(number); }

std::string SigningKey::public_key() const {
  std::string bytes(32, '\0');
  std::size_t size = bytes.size();
  EVP_PKEY_get_raw_public_key(key_of(secret_).get(), reinterpret_cast<unsigned char*>(bytes.data()), &size);
  return base64("Ed" + id_ + bytes);
}

std::string SigningKey::sign(std::span<const std::uint8_t> file) const {
  std::string digest(64, '\0');
  EVP_Digest(file.data(), file.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_blake2b512(),
             nullptr);
  const std::string signature = signature_of(digest, secret_);
  const std::string comment = "made for a test";
  return "untrusted comment: signature\n" + base64("ED" + id_ + signature) + "\ntrusted comment: " + comment + "\n" +
         base64(signature_of(signature + comment, secret_)) + "\n";
}

}  // namespace catdog::test_support
