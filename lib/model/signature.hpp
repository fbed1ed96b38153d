// SPDX-License-Identifier: Apache-2.0
// Signatures of model files, as minisign makes them: https://jedisct1.github.io/minisign/
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace catdog::core {

// What minisign calls the signature of a file.
constexpr const char* signature_suffix = ".minisig";

// A public key as `minisign -P` takes it, from that or from the text of minisign.pub; "" stays "".
// Throws Failure(invalid_argument).
std::string checked_trusted_key(std::string_view given);

// Whether `signature`, the text of a .minisig file, is that of `file` by the key. The comment that it signs counts too.
// Throws Failure(model_checksum) when it isn't, and says why.
void verify_signature(std::span<const std::uint8_t> file, std::string_view signature, std::string_view trusted_key);

}  // namespace catdog::core
