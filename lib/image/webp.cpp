// SPDX-License-Identifier: Apache-2.0
#include <webp/decode.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "image/codec.hpp"
#include "image/webp_container.hpp"
#include "image/webp_lossless.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Failure(Status::corrupt, "the WebP file is damaged: " + what); }

// Of what couldn't be read.
[[noreturn]] void fail(VP8StatusCode status, const std::string& what) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY: throw Failure(Status::out_of_memory, "no memory for the WebP file");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      throw Failure(Status::unsupported, "a kind of WebP file that isn't read; save it anew");
    case VP8_STATUS_INVALID_PARAM:
    case VP8_STATUS_USER_ABORT: throw Failure(Status::internal, "libwebp failed to read " + what);
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: fail(what + " ends too early");
    default: fail(what + " can't be read");
  }
}

WebPBitstreamFeatures features_of(Bytes bytes) {
  WebPBitstreamFeatures features{};
  const VP8StatusCode status = WebPGetFeatures(bytes.data(), bytes.size(), &features);
  if (status != VP8_STATUS_OK) {
    fail(status, "its header");
  }
  return features;
}

struct DecoderDeleter {
  void operator()(WebPIDecoder* decoder) const { WebPIDelete(decoder); }
};

// Decodes one bitstream into rows of RGB or RGBA, in steps for the deadline's sake.
void decode_bitstream(Bytes bytes, WEBP_CSP_MODE mode, std::span<std::uint8_t> to, std::size_t stride,
                      const Deadline& deadline) {
  constexpr std::size_t kStep = 64U << 10U;
  const std::unique_ptr<WebPIDecoder, DecoderDeleter> decoder(
      WebPINewRGB(mode, to.data(), to.size(), static_cast<int>(stride)));
  if (decoder == nullptr) {
    throw Failure(Status::out_of_memory, "no memory for the WebP file");
  }
  VP8StatusCode status = VP8_STATUS_SUSPENDED;
  for (std::size_t given = 0; status == VP8_STATUS_SUSPENDED && given < bytes.size();) {
    deadline.check();
    given = std::min(bytes.size(), given + kStep);
    status = WebPIUpdate(decoder.get(), bytes.data(), given);
  }
  if (status != VP8_STATUS_OK) {
    fail(status, "its image");
  }
}

class WebpReader : public ImageReader {
 public:
  explicit WebpReader(Bytes bytes);
  cv::Mat decode(const Deadline& deadline) override;

 private:
  std::uint64_t decode_bytes() const;

  WebPBitstreamFeatures features_{};  // Of the bitstream that is decoded.
  Bytes bitstream_;
  cv::Rect place_;  // Of the bitstream on the canvas.
};

WebpReader::WebpReader(Bytes bytes) : features_(features_of(bytes)), bitstream_(bytes) {
  const WebpContainer container = read_webp_container(bytes);
  header_.format = ImageFormat::webp;
  header_.stored_size = {features_.width, features_.height};
  header_.orientation = exif_orientation(container.exif);
  place_ = cv::Rect(0, 0, features_.width, features_.height);
  if (features_.has_animation != 0) {
    if (container.first_frame.empty()) {
      fail("it has no first frame");
    }
    bitstream_ = container.first_frame;
    place_ = cv::Rect(container.x, container.y, container.width, container.height);
    const int width = features_.width;
    const int height = features_.height;
    features_ = features_of(bitstream_);
    if (features_.width != place_.width || features_.height != place_.height || place_.x > width - place_.width ||
        place_.y > height - place_.height) {
      fail("its first frame doesn't fit");
    }
  }
  header_.decode_bytes = decode_bytes();
}

std::uint64_t WebpReader::decode_bytes() const {
  constexpr std::uint64_t kTables = 64U << 10U;
  constexpr std::size_t kLosslessHeader = 5;
  constexpr std::uint8_t kAlphaIsLossless = 1;  // Of two bits of its first byte.
  const std::uint64_t pixels = pixels_of({place_.width, place_.height});
  const auto width = static_cast<std::uint64_t>(place_.width);
  const auto lossless = [&](Bytes stream) {
    const LosslessCost cost = read_lossless_cost(stream, {place_.width, place_.height});
    return cost.table_bytes + 4 * (cost.pixels + 17 * width);
  };
  std::uint64_t bytes = kTables + 3 * pixels_of(header_.stored_size);
  if (features_.has_alpha != 0) bytes += 4 * pixels;
  if (features_.format == 2) {
    const Bytes stream = find_webp_chunk(bitstream_, "VP8L");
    return bytes + lossless(stream.subspan(std::min(stream.size(), kLosslessHeader)));
  }
  bytes += 256 * (width + 16);
  if (features_.has_alpha != 0) {
    bytes += 2 * pixels;  // libwebp has it twice.
    const Bytes alpha = find_webp_chunk(bitstream_, "ALPH");
    if (!alpha.empty() && (alpha[0] & 3U) == kAlphaIsLossless) bytes += lossless(alpha.subspan(1));
  }
  return bytes;
}

cv::Mat WebpReader::decode(const Deadline& deadline) {
  cv::Mat canvas = allocate_rgb(header_.stored_size);
  if (place_.size() != canvas.size()) {
    canvas.setTo(cv::Scalar::all(255));
  }
  cv::Mat to = canvas(place_);
  const auto width = static_cast<std::size_t>(place_.width);
  const auto height = static_cast<std::size_t>(place_.height);
  if (features_.has_alpha == 0) {
    decode_bitstream(bitstream_, MODE_RGB, {to.data, to.step * (height - 1) + width * 3}, to.step, deadline);
  } else {
    std::vector<std::uint8_t> rgba(width * height * 4);
    decode_bitstream(bitstream_, MODE_RGBA, rgba, width * 4, deadline);
    for (std::size_t y = 0; y < height; ++y) {
      blend_over_white(rgba.data() + y * width * 4, 0, width, to.ptr<std::uint8_t>(static_cast<int>(y)));
    }
  }
  return canvas;
}

}  // namespace

std::unique_ptr<ImageReader> open_webp(Bytes bytes) { return std::make_unique<WebpReader>(bytes); }

}  // namespace catdog::core
