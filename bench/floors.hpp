// SPDX-License-Identifier: Apache-2.0
// The least that each stage can cost: the same work by the bare libraries, without checks, options or copies.
#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <span>

namespace catdog::bench {

// Decodes a JPEG at eighths/8 of its size with libjpeg-turbo and nothing else.
void bare_jpeg(std::span<const std::uint8_t> bytes, int eighths, cv::Mat& out);

// SimpleCNN from bare oneDNN primitives, batch-norm already folded, in the layouts that oneDNN chooses itself.
class BareNetwork {
 public:
  BareNetwork(int height, int width, int classes, bool bf16);
  ~BareNetwork();
  BareNetwork(const BareNetwork&) = delete;
  BareNetwork& operator=(const BareNetwork&) = delete;
  void run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace catdog::bench
