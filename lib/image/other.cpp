// SPDX-License-Identifier: Apache-2.0
// Formats that only OpenCV imgcodecs reads; in builds with CATDOG_WITH_IMGCODECS only.
#include <limits>
#include <new>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "image/codec.hpp"
#include "image/tiff_reader.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

bool is_bmp(Bytes bytes) { return bytes.size() >= 2 && bytes[0] == 'B' && bytes[1] == 'M'; }

// The header's size where it is easily found. Other formats have OpenCV's own limit (CV_IO_MAX_IMAGE_PIXELS) until they
// are decoded.
void check_header(Bytes bytes, const ImageLimits& limits) {
  if (is_bmp(bytes) && bytes.size() >= 26) {
    const TiffReader header(bytes, false);
    std::uint32_t header_size = 0;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    header.read(14, 4, header_size);
    const bool old = header_size == 12;  // OS/2: 16-bit sides.
    header.read(18, old ? 2 : 4, width);
    header.read(old ? 20 : 22, old ? 2 : 4, height);
    const bool upside_down = !old && height > std::numeric_limits<std::int32_t>::max();
    check_size(width, upside_down ? 0U - height : height, limits);
  } else if (is_tiff(bytes)) {
    const TiffReader tiff(bytes, bytes[0] == 'M');
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    if (!tiff.find(0x0100, width) || !tiff.find(0x0101, height)) {
      throw Failure(Status::corrupt, "the TIFF file is damaged: it doesn't say its size");
    }
    check_size(width, height, limits);
  }
}

}  // namespace

DecodedImage decode_other(Bytes bytes, const ImageLimits& limits) {
  check_header(bytes, limits);
  cv::Mat bgr;
  try {
    // imdecode() takes a Mat of bytes and doesn't write to it.
    const cv::Mat input(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<std::uint8_t*>(bytes.data()));
    bgr = cv::imdecode(input, cv::IMREAD_COLOR);  // Applies the EXIF orientation.
  } catch (const cv::Exception& error) {
    throw Failure(error.code == cv::Error::StsNoMem ? Status::out_of_memory : Status::corrupt,
                  "OpenCV can't read the image: " + error.err);
  }
  if (bgr.empty() && (is_bmp(bytes) || is_tiff(bytes))) {
    throw Failure(Status::corrupt, "the image is damaged or of a kind that OpenCV doesn't read");
  }
  if (bgr.empty()) {
    throw Failure(Status::unsupported, "not an image that OpenCV or this library reads");
  }
  const RawPixels pixels{
      PixelFormat::bgr8, {bgr.data, bgr.step * static_cast<std::size_t>(bgr.rows)}, bgr.cols, bgr.rows, bgr.step};
  DecodedImage image = import_pixels(pixels, limits);
  image.format = ImageFormat::other;
  return image;
}

}  // namespace catdog::core
