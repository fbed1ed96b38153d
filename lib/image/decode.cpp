// SPDX-License-Identifier: Apache-2.0
#include "image/decode.hpp"

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "image/codec.hpp"
#include "image/gif.hpp"
#include "image/jpeg.hpp"
#include "image/other.hpp"
#include "image/png.hpp"
#include "image/sniff.hpp"
#include "image/webp.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

std::unique_ptr<ImageReader> open_image(Bytes bytes, Size at_least, const ImageLimits& limits) {
  if (bytes.empty()) {
    throw Failure(Status::unsupported, "the image has no bytes: the file is empty");
  }
  if (bytes.size() > limits.max_encoded_bytes) {
    throw Failure(Status::limit, "the image has " + std::to_string(bytes.size()) + " bytes, more than the limit of " +
                                     std::to_string(limits.max_encoded_bytes) +
                                     "; make it smaller or raise max_encoded_bytes");
  }
  switch (sniff_format(bytes)) {
    case ImageFormat::jpeg: return open_jpeg(bytes, at_least, limits);
    case ImageFormat::png: return open_png(bytes);
    case ImageFormat::webp: return open_webp(bytes);
    case ImageFormat::gif: return open_gif(bytes);
    default: break;
  }
#ifdef CATDOG_WITH_IMGCODECS
  return open_other(bytes, limits);
#else
  throw Failure(Status::unsupported, std::string(name_of_unsupported_format(bytes)) +
                                         ": JPEG, PNG, WebP and GIF are read; convert it to one of these");
#endif
}

bool size_is_known(const ImageHeader& header) { return pixels_of(header.stored_size) != 0; }

void check(const ImageHeader& header, const ImageLimits& limits) {
  check_size(static_cast<std::uint64_t>(header.stored_size.width),
             static_cast<std::uint64_t>(header.stored_size.height), limits);
  check_cost(header, limits);
}

}  // namespace

const char* image_format_name(ImageFormat format) noexcept {
  switch (format) {
    case ImageFormat::unknown: return "";
    case ImageFormat::jpeg: return "jpeg";
    case ImageFormat::png: return "png";
    case ImageFormat::webp: return "webp";
    case ImageFormat::gif: return "gif";
    case ImageFormat::raw: return "raw";
    case ImageFormat::other: return "other";
  }
  return "";
}

void check_size(std::uint64_t width, std::uint64_t height, const ImageLimits& limits) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height) + " pixels";
  if (width == 0 || height == 0) {
    throw Failure(Status::corrupt, "the image's header says " + size);
  }
  if (width > limits.max_side || height > limits.max_side) {
    throw Failure(Status::limit, "the image has " + size + ", more than the limit of " +
                                     std::to_string(limits.max_side) + " a side; make it smaller or raise max_side");
  }
  if (width * height > limits.max_pixels) {  // No overflow: both are at most 2^32 - 1 here.
    throw Failure(Status::limit, "the image has " + size + ", more than the limit of " +
                                     std::to_string(limits.max_pixels) +
                                     " in all; make it smaller or raise max_pixels");
  }
}

void check_cost(const ImageHeader& header, const ImageLimits& limits) {
  if (header.decode_bytes > limits.max_decode_bytes) {
    throw Failure(Status::limit, "decoding the image (" + std::string(image_format_name(header.format)) + ", " +
                                     std::to_string(header.stored_size.width) + "x" +
                                     std::to_string(header.stored_size.height) + " pixels) takes " +
                                     std::to_string(header.decode_bytes) + " bytes, more than the limit of " +
                                     std::to_string(limits.max_decode_bytes) +
                                     "; make it smaller, save it as a baseline JPEG or raise max_decode_bytes");
  }
}

ImageHeader probe_image(std::span<const std::uint8_t> bytes, Size at_least, const ImageLimits& limits) {
  const ImageHeader header = open_image(bytes, at_least, limits)->header();
  if (!size_is_known(header)) {
    throw Failure(Status::unsupported, "the size of this kind of file isn't known before it is decoded");
  }
  check(header, limits);
  return header;
}

DecodedImage decode_image(std::span<const std::uint8_t> bytes, Size at_least, const ImageLimits& limits,
                          const Deadline& deadline) {
  deadline.check();
  const std::unique_ptr<ImageReader> reader = open_image(bytes, at_least, limits);
  if (size_is_known(reader->header())) check(reader->header(), limits);
  Image rgb = reader->decode(deadline);
  DecodedImage image{reader->header(), std::move(rgb)};
  check(image, limits);
  return image;
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
  const Image given(pixels.bytes.data(), image.stored_size, static_cast<std::size_t>(stride), pixels.format);
  if (pixels.format == PixelFormat::rgb8) {
    image.rgb = given;
    return image;
  }
  image.decode_bytes = 3 * pixels_of(image.stored_size);
  check_cost(image, limits);
  image.rgb = convert_to_rgb(given);
  return image;
}

}  // namespace catdog::core
