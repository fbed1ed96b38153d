// SPDX-License-Identifier: Apache-2.0
#include "model/sha256.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace catdog::core {
namespace {

// FIPS 180-4 example values.
TEST(Sha256, KnownValues) {
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::vector<std::uint8_t> abc{'a', 'b', 'c'};
  EXPECT_EQ(sha256_hex(abc), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace catdog::core
