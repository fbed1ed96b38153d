// SPDX-License-Identifier: Apache-2.0
// A key pair that signs as minisign does.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace catdog::test_support {

class SigningKey {
 public:
  // The same number, the same key.
  explicit SigningKey(std::uint8_t number = 1);
  std::string public_key() const;                              // As `minisign -P` takes it.
  std::string sign(std::span<const std::uint8_t> file) const;  // The text of a .minisig file.

 private:
  std::array<std::uint8_t, 32> secret_{};
  std::string id_;
};

}  // namespace catdog::test_support
