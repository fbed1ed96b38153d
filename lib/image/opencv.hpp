// SPDX-License-Identifier: Apache-2.0
// OpenCV resizes and changes colours; nothing else here knows it.
#pragma once

#include <opencv2/core.hpp>

#include "image/image.hpp"
#include "status.hpp"

namespace catdog::core {

// The same pixels for OpenCV. As an output it keeps its size: OpenCV writes into the image.
inline cv::Mat mat_of(const Image& image) {
  return {image.size().height, image.size().width, CV_8UC(static_cast<int>(bytes_per_pixel(image.format()))),
          const_cast<std::uint8_t*>(image.row(0)), image.stride()};
}

// Returns what `calls` of OpenCV return. Throws Failure where they throw: out_of_memory, internal.
template <typename Calls>
auto guard_opencv(const Calls& calls) {
  try {
    return calls();
  } catch (const cv::Exception& error) {
    throw Failure(error.code == cv::Error::StsNoMem ? Status::out_of_memory : Status::internal,
                  "OpenCV failed: " + error.err);
  }
}

}  // namespace catdog::core
