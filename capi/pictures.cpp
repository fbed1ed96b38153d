// SPDX-License-Identifier: Apache-2.0
#include "pictures.hpp"

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
    default: return std::nullopt;
  }
}

// Empty when the struct is well-formed.
std::string problem_of(const catdog_picture& picture) {
  if (picture.struct_size != sizeof(catdog_picture)) {
    return "picture.struct_size is " + std::to_string(picture.struct_size) + ": set it to sizeof(catdog_picture), " +
           std::to_string(sizeof(catdog_picture));
  }
  const bool reserved_set = std::any_of(std::begin(picture.reserved), std::end(picture.reserved),
                                        [](std::uint32_t word) { return word != 0; });
  if (picture.flags != 0 || reserved_set) return "picture.flags and picture.reserved must be 0: zero the struct first";
  if (picture.data == nullptr) return "picture.data is NULL";
  if (picture.data_size > std::numeric_limits<std::size_t>::max()) return "picture.data_size is larger than memory";
  if (picture.format == CATDOG_FORMAT_ENCODED) {
    if (picture.width != 0 || picture.height != 0 || picture.row_stride != 0) {
      return "width, height and row_stride of an encoded picture must be 0: the file says them";
    }
  } else if (!pixel_format(picture.format)) {
    return "picture.format " + std::to_string(picture.format) + " is unknown (see CATDOG_FORMAT_* in catdog.h)";
  }
  return "";
}

}  // namespace

core::Verdict classify(const core::Classifier& classifier, const catdog_picture& picture) {
  if (std::string problem = problem_of(picture); !problem.empty()) {
    core::Verdict verdict;
    verdict.status = core::Status::invalid_argument;
    verdict.message = std::move(problem);
    return verdict;
  }
  const std::span bytes(static_cast<const std::uint8_t*>(picture.data), static_cast<std::size_t>(picture.data_size));
  const auto format = pixel_format(picture.format);
  if (!format) return classifier.classify_encoded(bytes);
  return classifier.classify_pixels({*format, bytes, picture.width, picture.height, picture.row_stride});
}

}  // namespace catdog::capi
