// SPDX-License-Identifier: Apache-2.0
#include "model/signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failure_matcher.hpp"
#include "support/signing_key.hpp"

namespace catdog::test_support {
namespace {

using core::checked_trusted_key;
using core::Status;
using core::verify_signature;
using testing::HasSubstr;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Made by minisign 0.11: minisign -G -W; minisign -S -m f -t 'for the test'; the last with -l.
const std::string kFile = "catdog\n";
const std::string kKey = "RWS7twwZXJ5nhu5d/M+d9ZaU79HeuAgEVn6yNEeD4GQGUWKzOWWHeEEL";
const std::string kSignature =
    "untrusted comment: signature from minisign secret key\n"
    "RUS7twwZXJ5nhsHf89Zo9K9GbTQoRJY2H84hQM1O8fHx4R907QBcHrKq2nxV8pZy2WVXrAhUFyc5YmrQQj8IdehVhk5ttFF5oQg=\n"
    "trusted comment: for the test\n"
    "p4z9eclxd51fNcOrbM/JFHEHcMi8u0oS7LAhoFppkDsRd+X7ZxV/0XzdAoYz7chdoAf79crwGLdbJpCte0Q9DQ==\n";
const std::string kOldSignature =
    "untrusted comment: signature from minisign secret key\n"
    "RWS7twwZXJ5nhv4P8vxlRtVvMelsvvW3qv91PQGlOMwzVLUogMiJJ8rqtNr9dUv/gRp+eBkSV43Umd8sD6oEuiMovAvT0x1WQQ8=\n"
    "trusted comment: old\n"
    "7e4KIAe4XQUjsy3kB4pACaESHvz0aaL5hBBUQbWJtkd+CkxivqFVHdGQ+VOOKiMLw9tGwiJr4gZXyXVHpygwAw==\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

void expect_refused(const std::string& why, const std::string& file, const std::string& signature,
                    const std::string& key = kKey) {
  expect_failure(Status::model_checksum, why, [&] { verify_signature(bytes_of(file), signature, key); });
}

TEST(Signature, OfMinisignIsGood) {
  EXPECT_NO_THROW(verify_signature(bytes_of(kFile), kSignature, kKey));
  std::string windows;
  for (const char c : kSignature) windows += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_NO_THROW(verify_signature(bytes_of(kFile), windows, kKey));
  // The first line is for people.
  const std::string reworded = replaced(kSignature, "signature from", "any words, not from");
  EXPECT_NO_THROW(verify_signature(bytes_of(kFile), reworded, kKey));
}

TEST(Signature, OfTheTestsIsLikeMinisigns) {
  const SigningKey key;
  EXPECT_NO_THROW(verify_signature(bytes_of(kFile), key.sign(bytes_of(kFile)), key.public_key()));
}

TEST(Signature, WhatWasChangedIsRefused) {
  expect_refused("another file", "catdog", kSignature);
  expect_refused("another file", "Catdog\n", kSignature);
  expect_refused("another file", "", kSignature);
  expect_refused("another file", kFile, replaced(kSignature, "hsHf89Zo", "hsHf89Zp"));
  expect_refused("comment was changed", kFile, replaced(kSignature, "for the test", "for production"));
  expect_refused("comment was changed", kFile, replaced(kSignature, "p4z9", "p5z9"));
}

TEST(Signature, OfAnotherKeyIsRefused) {
  const SigningKey other(7);
  expect_refused("key 0707070707070707 made it, and 86679E5C190CB7BB is", kFile, other.sign(bytes_of(kFile)));
  // The same number, but not the same key.
  expect_refused("forged", kFile, replaced(kSignature, "RUS7twwZXJ5nhs", "RUS7twwZXJ5nhv"));
}

TEST(Signature, CutOrOldOnesAreRefused) {
  for (std::size_t size = 0; size + 1 < kSignature.size(); size += 3) {
    expect_refused("the model's signature", kFile, kSignature.substr(0, size));
  }
  expect_refused("the text that minisign writes", kFile, "");
  expect_refused("the text that minisign writes", kFile, std::string("\0\n\0\n\0\n\0\n", 8));
  expect_refused("old kind", kFile, kOldSignature);
}

TEST(TrustedKey, IsTakenAloneOrWithItsComment) {
  EXPECT_EQ(checked_trusted_key(""), "");
  EXPECT_EQ(checked_trusted_key(kKey), kKey);
  EXPECT_EQ(checked_trusted_key(kKey + "\n"), kKey);
  EXPECT_EQ(checked_trusted_key("untrusted comment: minisign public key 86679E5C190CB7BB\r\n" + kKey + "\r\n"), kKey);
}

TEST(TrustedKey, AnythingElseIsRefused) {
  const std::string secret = "RWRTY0Iy" + std::string(204, 'A');
  for (const std::string& bad : {std::string("?"), kKey.substr(1), kKey + "=", kKey.substr(0, 55) + "=", secret,
                                 replaced(kKey, "RWS", "RUS"), replaced(kKey, "/", "-"), std::string(56, ' ')}) {
    try {
      checked_trusted_key(bad);
      ADD_FAILURE() << bad;
    } catch (const core::Failure& failure) {
      EXPECT_EQ(failure.status(), Status::invalid_argument);
      EXPECT_THAT(failure.what(), HasSubstr("minisign.pub"));
      EXPECT_THAT(failure.what(), testing::Not(HasSubstr(bad)));  // It may be the secret one.
    }
  }
}

}  // namespace
}  // namespace catdog::test_support
