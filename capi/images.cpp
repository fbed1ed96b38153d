// SPDX-License-Identifier: Apache-2.0
#include "images.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "guard.hpp"
#include "layout.h"

namespace catdog::capi {
namespace {

using core::PixelFormat;

std::optional<PixelFormat> pixel_format(catdog_format format) {
  switch (format) {
    case CATDOG_FORMAT_GRAY8: return PixelFormat::gray8;
    case CATDOG_FORMAT_RGB8: return PixelFormat::rgb8;
    case CATDOG_FORMAT_BGR8: return PixelFormat::bgr8;
    case CATDOG_FORMAT_RGBA8: return PixelFormat::rgba8;
    case CATDOG_FORMAT_BGRA8: return PixelFormat::bgra8;
    case CATDOG_FORMAT_RGBX8: return PixelFormat::rgbx8;
    case CATDOG_FORMAT_BGRX8: return PixelFormat::bgrx8;
    case CATDOG_FORMAT_RGBA8_PREMULTIPLIED: return PixelFormat::rgba8_premultiplied;
    case CATDOG_FORMAT_BGRA8_PREMULTIPLIED: return PixelFormat::bgra8_premultiplied;
    default: return std::nullopt;
  }
}

// Empty when the struct is well-formed.
std::string problem_of(const catdog_image& image) {
  const bool reserved_set =
      std::any_of(std::begin(image.reserved), std::end(image.reserved), [](std::uint32_t word) { return word != 0; });
  if (image.flags != 0 || reserved_set) return "image.flags and image.reserved must be 0: zero the struct first";
  // An empty file may have no address, as an empty std::vector has none: that is for the decoder to say.
  const bool empty_file = image.data_size == 0 && image.format == CATDOG_FORMAT_ENCODED;
  if (image.data == nullptr && !empty_file) return "image.data is NULL";
  if (image.data_size > std::numeric_limits<std::size_t>::max()) return "image.data_size is larger than memory";
  if (image.format == CATDOG_FORMAT_ENCODED) {
    if (image.width != 0 || image.height != 0 || image.row_stride != 0) {
      return "width, height and row_stride of an encoded image must be 0: the file says them";
    }
  } else if (!pixel_format(image.format)) {
    return "image.format " + std::to_string(image.format) + " is unknown (see CATDOG_FORMAT_* in catdog.h)";
  }
  return "";
}

}  // namespace

core::Verdict classify(const core::Classifier& classifier, const catdog_image& image,
                       core::Deadline::Clock::time_point start) {
  if (std::string problem = problem_of(image); !problem.empty()) {
    core::Verdict verdict;
    verdict.status = core::Status::invalid_argument;
    verdict.message = std::move(problem);
    return verdict;
  }
  const std::span bytes(static_cast<const std::uint8_t*>(image.data), static_cast<std::size_t>(image.data_size));
  const auto format = pixel_format(image.format);
  const core::Deadline deadline = classifier.deadline(start, image.timeout_ms);
  if (!format) return classifier.classify_encoded(bytes, deadline);
  return classifier.classify_pixels({*format, bytes, image.width, image.height, image.row_stride}, deadline);
}

}  // namespace catdog::capi
