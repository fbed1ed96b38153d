// SPDX-License-Identifier: Apache-2.0
// Own loops instead of cv::cvtColor: that one starts threads for large images.
#include <limits>
#include <opencv2/core.hpp>
#include <string>

#include "image/codec.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

std::size_t bytes_per_pixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::gray8: return 1;
    case PixelFormat::rgb8:
    case PixelFormat::bgr8: return 3;
    case PixelFormat::rgba8:
    case PixelFormat::bgra8: return 4;
  }
  throw Failure(Status::invalid_argument, "unknown pixel format " + std::to_string(static_cast<int>(format)));
}

void convert_row(PixelFormat format, const std::uint8_t* from, std::size_t pixels, std::uint8_t* rgb) {
  switch (format) {
    case PixelFormat::gray8:
      for (std::size_t x = 0; x < pixels; ++x) {
        rgb[3 * x] = rgb[3 * x + 1] = rgb[3 * x + 2] = from[x];
      }
      break;
    case PixelFormat::bgr8:
      for (std::size_t x = 0; x < pixels; ++x) {
        rgb[3 * x] = from[3 * x + 2];
        rgb[3 * x + 1] = from[3 * x + 1];
        rgb[3 * x + 2] = from[3 * x];
      }
      break;
    case PixelFormat::rgba8: blend_over_white(from, 0, pixels, rgb); break;
    case PixelFormat::bgra8: blend_over_white(from, 2, pixels, rgb); break;
    case PixelFormat::rgb8: break;  // Borrowed, never converted.
  }
}

}  // namespace

cv::Mat allocate_rgb(Size size) {
  try {
    return cv::Mat(size.height, size.width, CV_8UC3);
  } catch (const cv::Exception&) {
    throw Failure(Status::out_of_memory, "no memory for an image of " + std::to_string(size.width) + "x" +
                                             std::to_string(size.height) + " pixels; lower max_decode_bytes");
  }
}

void blend_over_white(const std::uint8_t* rgba, int red_index, std::size_t pixels, std::uint8_t* rgb) {
  for (std::size_t x = 0; x < pixels; ++x) {
    const std::uint8_t* from = rgba + 4 * x;
    const unsigned alpha = from[3];
    const unsigned white = 255U * (255U - alpha) + 127U;
    rgb[3 * x] = static_cast<std::uint8_t>((from[red_index] * alpha + white) / 255U);
    rgb[3 * x + 1] = static_cast<std::uint8_t>((from[1] * alpha + white) / 255U);
    rgb[3 * x + 2] = static_cast<std::uint8_t>((from[2 - red_index] * alpha + white) / 255U);
  }
}

DecodedImage import_pixels(const RawPixels& pixels, const ImageLimits& limits) {
  const std::size_t pixel_bytes = bytes_per_pixel(pixels.format);
  if (pixels.width <= 0 || pixels.height <= 0) {
    throw Failure(Status::invalid_argument, "raw pixels need a width and a height of at least 1, not " +
                                                std::to_string(pixels.width) + "x" + std::to_string(pixels.height));
  }
  if (pixels.width > std::numeric_limits<int>::max() || pixels.height > std::numeric_limits<int>::max()) {
    throw Failure(Status::limit, "the image has more pixels a side than any limit allows");
  }
  const auto width = static_cast<std::uint64_t>(pixels.width);
  const auto height = static_cast<std::uint64_t>(pixels.height);
  check_size(width, height, limits);
  const std::uint64_t row_bytes = width * pixel_bytes;
  const std::uint64_t stride = pixels.row_stride == 0 ? row_bytes : pixels.row_stride;
  if (stride < row_bytes) {
    throw Failure(Status::invalid_argument, "row stride " + std::to_string(stride) + " is less than the " +
                                                std::to_string(row_bytes) + " bytes of one row");
  }
  // stride * (height - 1) + row_bytes <= size, without the overflow.
  const std::uint64_t available = pixels.bytes.size();
  if (pixels.bytes.data() == nullptr || available < row_bytes ||
      (height > 1 && (available - row_bytes) / (height - 1) < stride)) {
    throw Failure(Status::invalid_argument, std::to_string(available) + " bytes are too few for " +
                                                std::to_string(height) + " rows with a stride of " +
                                                std::to_string(stride));
  }
  DecodedImage image;
  image.stored_size = {static_cast<int>(width), static_cast<int>(height)};
  image.format = ImageFormat::raw;
  if (pixels.format == PixelFormat::rgb8) {
    // cv::Mat has no const view; nothing here writes to a decoded image's pixels.
    image.rgb = cv::Mat(image.stored_size.height, image.stored_size.width, CV_8UC3,
                        const_cast<std::uint8_t*>(pixels.bytes.data()), static_cast<std::size_t>(stride));
    return image;
  }
  image.decode_bytes = 3 * pixels_of(image.stored_size);
  check_cost(image, limits);
  image.rgb = allocate_rgb(image.stored_size);
  for (int y = 0; y < image.stored_size.height; ++y) {
    convert_row(pixels.format, pixels.bytes.data() + static_cast<std::size_t>(y) * stride, width,
                image.rgb.ptr<std::uint8_t>(y));
  }
  return image;
}

}  // namespace catdog::core
