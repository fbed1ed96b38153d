// SPDX-License-Identifier: Apache-2.0
// What the codecs share. Each takes bytes that sniff_format() gave to it and reads the header; decoding is a step of
// its own, so that the limits are checked before anything of the image's size is allocated.
#pragma once

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "image/decode.hpp"

namespace catdog::core {

using Bytes = std::span<const std::uint8_t>;

// A file whose header was read, and nothing more. It borrows the file's bytes.
class ImageReader {
 public:
  ImageReader() = default;
  virtual ~ImageReader() = default;
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;

  // A size of 0x0: it isn't known before decode().
  const ImageHeader& header() const { return header_; }
  // 8-bit RGB. Once only, and only after the header was checked against the limits.
  virtual Image decode(const Deadline& deadline) = 0;

 protected:
  ImageHeader header_;
};

// libjpeg and libpng report fatal errors by a function that must not return.
struct Jump {
  std::jmp_buf target;
  std::array<char, 256> message{};
};

// Runs body; false when the codec jumped to jump.target. The frames between here and the jump, body's included, must
// hold nothing that has a destructor.
template <typename Body>
bool run_guarded(Jump& jump, const Body& body) {
  if (setjmp(jump.target) != 0) {  // NOLINT(cert-err52-cpp): the C libraries leave no other way.
    return false;
  }
  body();
  return true;
}

}  // namespace catdog::core
