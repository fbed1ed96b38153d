// SPDX-License-Identifier: Apache-2.0
#include "image/decode.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
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

bool is_yuv(PixelFormat format) {
  return format == PixelFormat::nv12 || format == PixelFormat::nv21 || format == PixelFormat::i420;
}

// The format that opaque pixels have, too.
std::optional<PixelFormat> without_alpha(PixelFormat format) {
  switch (format) {
    case PixelFormat::rgba8:
    case PixelFormat::rgba8_premultiplied: return PixelFormat::rgbx8;
    case PixelFormat::bgra8:
    case PixelFormat::bgra8_premultiplied: return PixelFormat::bgrx8;
    default: return std::nullopt;
  }
}

// Throws Failure(invalid_argument) when the plane's rows don't lie within its bytes.
Image view_of(const RawPlane& plane, Size size, PixelFormat format, const std::string& name) {
  const std::uint64_t row_bytes = static_cast<std::uint64_t>(size.width) * bytes_per_pixel(format);
  const auto rows = static_cast<std::uint64_t>(size.height);
  const std::uint64_t stride = plane.row_stride == 0 ? row_bytes : plane.row_stride;
  if (stride < row_bytes) {
    throw Failure(Status::invalid_argument, "the " + name + "'s row stride of " + std::to_string(stride) +
                                                " is less than the " + std::to_string(row_bytes) + " bytes of a row");
  }
  // stride * (rows - 1) + row_bytes <= size, without the overflow.
  const std::uint64_t available = plane.bytes.size();
  if (plane.bytes.data() == nullptr || available < row_bytes ||
      (rows > 1 && (available - row_bytes) / (rows - 1) < stride)) {
    throw Failure(Status::invalid_argument, "the " + name + "'s " + std::to_string(available) +
                                                " bytes are too few for " + std::to_string(rows) +
                                                " rows with a stride of " + std::to_string(stride));
  }
  return {plane.bytes.data(), size, static_cast<std::size_t>(stride), format};
}

void check_region(const Region& region, Size size) {
  if (region.x >= 0 && region.y >= 0 && region.width > 0 && region.height > 0 &&
      region.width <= size.width - region.x && region.height <= size.height - region.y) {
    return;
  }
  throw Failure(Status::invalid_argument,
                "the region of " + std::to_string(region.width) + "x" + std::to_string(region.height) + " pixels at (" +
                    std::to_string(region.x) + ", " + std::to_string(region.y) + ") doesn't lie within the image of " +
                    std::to_string(size.width) + "x" + std::to_string(size.height));
}

// `factor` pixels a side of the region are one of the plane; a pixel that lies half in the region is in.
Image part_of(const Image& plane, const Region& region, int factor) {
  const int x = static_cast<int>(region.x) / factor;
  const int y = static_cast<int>(region.y) / factor;
  const int right = (static_cast<int>(region.x + region.width) + factor - 1) / factor;
  const int bottom = (static_cast<int>(region.y + region.height) + factor - 1) / factor;
  return plane.part(x, y, {right - x, bottom - y});
}

std::array<Image, 2> chroma_of(const RawPixels& pixels, const Image& luma) {
  const bool planar = pixels.format == PixelFormat::i420;
  const PixelFormat format = planar ? PixelFormat::gray8 : PixelFormat::chroma8;
  const Size size{(luma.size().width + 1) / 2, (luma.size().height + 1) / 2};
  std::array<RawPlane, 2> planes = pixels.chroma;
  if (planes[0].bytes.data() == nullptr) {
    // Each plane begins where the one before ends, with all rows at their full stride.
    const std::uint64_t half = (std::uint64_t{luma.stride()} + 1) / 2;
    const std::uint64_t stride = planar ? half : 2 * half;
    const std::uint64_t first = static_cast<std::uint64_t>(luma.size().height) * luma.stride();
    const std::uint64_t second = first + static_cast<std::uint64_t>(size.height) * stride;
    const auto from = [&](std::uint64_t offset) { return pixels.bytes.subspan(std::min(offset, pixels.bytes.size())); };
    planes = {RawPlane{from(first), stride}, RawPlane{from(second), stride}};
  }
  return {view_of(planes[0], size, format, "chroma plane"),
          planar ? view_of(planes[1], size, format, "second chroma plane") : Image()};
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
  DecodedImage image{reader->header(), std::move(rgb), {}};
  check(image, limits);
  return image;
}

DecodedImage import_pixels(const RawPixels& pixels, const ImageLimits& limits) {
  if (pixels.width <= 0 || pixels.height <= 0) {
    throw Failure(Status::invalid_argument, "raw pixels need a width and a height of at least 1, not " +
                                                std::to_string(pixels.width) + "x" + std::to_string(pixels.height));
  }
  if (pixels.width > std::numeric_limits<int>::max() || pixels.height > std::numeric_limits<int>::max()) {
    throw Failure(Status::limit, "the image has more pixels a side than any limit allows");
  }
  check_size(static_cast<std::uint64_t>(pixels.width), static_cast<std::uint64_t>(pixels.height), limits);
  const Size size{static_cast<int>(pixels.width), static_cast<int>(pixels.height)};
  const Region region = pixels.region == Region() ? Region{0, 0, size.width, size.height} : pixels.region;
  check_region(region, size);

  DecodedImage image;
  image.format = ImageFormat::raw;
  image.stored_size = {static_cast<int>(region.width), static_cast<int>(region.height)};
  image.orientation = pixels.orientation;
  const Image whole = view_of({pixels.bytes, pixels.row_stride}, size, pixels.format, "image");
  image.pixels = part_of(whole, region, 1);
  if (is_yuv(pixels.format)) {
    const std::array<Image, 2> chroma = chroma_of(pixels, whole);
    for (std::size_t i = 0; i < 2; ++i) {
      if (!chroma[i].empty()) image.chroma[i] = part_of(chroma[i], region, 2);
    }
  } else if (const auto opaque = without_alpha(pixels.format)) {
    if (is_opaque(image.pixels)) {
      image.pixels = {image.pixels.row(0), image.stored_size, whole.stride(), *opaque};
    } else {  // Colours behind transparent pixels would show if they were resized first.
      image.decode_bytes = 3 * pixels_of(image.stored_size);
      check_cost(image, limits);
      image.pixels = convert_to_rgb(image.pixels);
    }
  }
  return image;
}

}  // namespace catdog::core
