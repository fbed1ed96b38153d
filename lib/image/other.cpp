// SPDX-License-Identifier: Apache-2.0
// Formats that only OpenCV imgcodecs reads; in builds with CATDOG_WITH_IMGCODECS only.
#include "image/other.hpp"

#include <limits>
#include <new>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "image/tiff_reader.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

bool is_bmp(Bytes bytes) { return bytes.size() >= 2 && bytes[0] == 'B' && bytes[1] == 'M'; }

// The header's size where it is easily found, else 0x0. Other formats have OpenCV's own limit (CV_IO_MAX_IMAGE_PIXELS)
// until they are decoded.
struct Sides {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

Sides read_sides(Bytes bytes, const ImageLimits& limits) {
  Sides sides;
  if (is_bmp(bytes) && bytes.size() >= 26) {
    const TiffReader header(bytes, false);
    std::uint32_t header_size = 0;
    header.read(14, 4, header_size);
    const bool old = header_size == 12;  // OS/2: 16-bit sides.
    header.read(18, old ? 2 : 4, sides.width);
    header.read(old ? 20 : 22, old ? 2 : 4, sides.height);
    const bool upside_down = !old && sides.height > std::numeric_limits<std::int32_t>::max();
    if (upside_down) sides.height = 0U - sides.height;
  } else if (is_tiff(bytes)) {
    const TiffReader tiff(bytes, bytes[0] == 'M');
    if (!tiff.find(0x0100, sides.width) || !tiff.find(0x0101, sides.height)) {
      throw Failure(Status::corrupt, "the TIFF file is damaged: it doesn't say its size");
    }
  } else {
    return sides;
  }
  check_size(sides.width, sides.height, limits);
  return sides;
}

class OtherReader : public ImageReader {
 public:
  OtherReader(Bytes bytes, const ImageLimits& limits) : bytes_(bytes), limits_(limits) {
    header_.format = ImageFormat::other;
    const Sides sides = read_sides(bytes, limits);
    header_.stored_size = {static_cast<int>(sides.width), static_cast<int>(sides.height)};
    header_.decode_bytes = 6 * pixels_of(header_.stored_size);  // Once as OpenCV gives it, once as RGB.
  }
  Image decode(const Deadline& deadline) override;

 private:
  Bytes bytes_;
  ImageLimits limits_;
};

Image OtherReader::decode(const Deadline& /*deadline*/) {
  cv::Mat bgr;
  try {
    // imdecode() takes a Mat of bytes and doesn't write to it.
    const cv::Mat input(1, static_cast<int>(bytes_.size()), CV_8UC1, const_cast<std::uint8_t*>(bytes_.data()));
    bgr = cv::imdecode(input, cv::IMREAD_COLOR);  // Applies the EXIF orientation.
  } catch (const cv::Exception& error) {
    throw Failure(error.code == cv::Error::StsNoMem ? Status::out_of_memory : Status::corrupt,
                  "OpenCV can't read the image: " + error.err);
  }
  if (bgr.empty() && (is_bmp(bytes_) || is_tiff(bytes_))) {
    throw Failure(Status::corrupt, "the image is damaged or of a kind that OpenCV doesn't read");
  }
  if (bgr.empty()) {
    throw Failure(Status::unsupported, "not an image that OpenCV or this library reads");
  }
  header_.stored_size = {bgr.cols, bgr.rows};
  check_size(static_cast<std::uint64_t>(bgr.cols), static_cast<std::uint64_t>(bgr.rows), limits_);
  return convert_to_rgb({bgr.data, header_.stored_size, bgr.step, PixelFormat::bgr8});
}

}  // namespace

std::unique_ptr<ImageReader> open_other(Bytes bytes, const ImageLimits& limits) {
  return std::make_unique<OtherReader>(bytes, limits);
}

}  // namespace catdog::core
