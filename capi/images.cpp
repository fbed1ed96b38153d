// SPDX-License-Identifier: Apache-2.0
#include "images.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

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
    case CATDOG_FORMAT_NV12: return PixelFormat::nv12;
    case CATDOG_FORMAT_NV21: return PixelFormat::nv21;
    case CATDOG_FORMAT_I420: return PixelFormat::i420;
    default: return std::nullopt;
  }
}

// As EXIF numbers them; 0 for a number that is no rotation.
core::Orientation orientation(std::uint32_t rotation) {
  switch (rotation) {
    case 0: return 1;
    case 90: return 6;
    case 180: return 3;
    case 270: return 8;
    default: return 0;
  }
}

core::Region region_of(const catdog_image& image) {
  return {image.region_x, image.region_y, image.region_width, image.region_height};
}

// How many chroma planes the format has.
std::size_t chroma_planes(catdog_format format) {
  if (format == CATDOG_FORMAT_I420) return 2;
  return format == CATDOG_FORMAT_NV12 || format == CATDOG_FORMAT_NV21 ? 1 : 0;
}

std::string problem_of_chroma(const catdog_image& image) {
  const std::size_t planes = chroma_planes(image.format);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string name = "image.chroma[" + std::to_string(i) + "]";
    const bool given = image.chroma[i] != nullptr;
    if (!given && (image.chroma_size[i] != 0 || image.chroma_stride[i] != 0)) {
      return name + " is NULL, so its size and stride must be 0";
    }
    if (given && i >= planes) return name + " must be NULL: the format has no such plane";
    if (image.chroma_size[i] > std::numeric_limits<std::size_t>::max()) return name + " is larger than memory";
  }
  if (planes == 2 && (image.chroma[0] == nullptr) != (image.chroma[1] == nullptr)) {
    return "image.chroma of I420 needs both planes, or none where they follow the luma";
  }
  return "";
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
    if (image.rotation != 0 || region_of(image) != core::Region()) {
      return "rotation and region of an encoded image must be 0: they are for raw pixels";
    }
  } else if (!pixel_format(image.format)) {
    return "image.format " + std::to_string(image.format) + " is unknown (see CATDOG_FORMAT_* in catdog.h)";
  }
  if (orientation(image.rotation) == 0) {
    return "image.rotation is " + std::to_string(image.rotation) + "; it must be 0, 90, 180 or 270";
  }
  return problem_of_chroma(image);
}

std::span<const std::uint8_t> bytes_of(const void* data, std::uint64_t size) {
  return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

}  // namespace

core::Verdict classify(const core::Classifier& classifier, const catdog_image& image,
                       core::Deadline::Clock::time_point start, core::Explanation* explanation) {
  if (std::string problem = problem_of(image); !problem.empty()) {
    core::Verdict verdict;
    verdict.status = core::Status::invalid_argument;
    verdict.message = std::move(problem);
    return verdict;
  }
  const std::span bytes = bytes_of(image.data, image.data_size);
  const auto format = pixel_format(image.format);
  const core::Deadline deadline = classifier.deadline(start, image.timeout_ms);
  if (!format) return classifier.classify_encoded(bytes, deadline, explanation);
  core::RawPixels pixels{*format, bytes, image.width, image.height, image.row_stride};
  for (std::size_t i = 0; i < 2; ++i) {
    pixels.chroma[i] = {bytes_of(image.chroma[i], image.chroma_size[i]), image.chroma_stride[i]};
  }
  pixels.region = region_of(image);
  pixels.orientation = orientation(image.rotation);
  return classifier.classify_pixels(pixels, deadline, explanation);
}

}  // namespace catdog::capi
