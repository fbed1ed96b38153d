// SPDX-License-Identifier: Apache-2.0
#include "image/webp.hpp"

#include <webp/decode.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "image/exif.hpp"
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
  Image decode(const Deadline& deadline) override;

 private:
  std::uint64_t decode_bytes() const;

  WebPBitstreamFeatures features_{};  // Of the bitstream that is decoded.
  Bytes bitstream_;
  Size frame_;  // What the bitstream holds, and its place on the canvas.
  int left_ = 0;
  int top_ = 0;
};

WebpReader::WebpReader(Bytes bytes) : features_(features_of(bytes)), bitstream_(bytes) {
  const WebpContainer container = read_webp_container(bytes);
  header_.format = ImageFormat::webp;
  header_.stored_size = {features_.width, features_.height};
  header_.orientation = exif_orientation(container.exif);
  frame_ = header_.stored_size;
  if (features_.has_animation != 0) {
    if (container.first_frame.empty()) {
      fail("it has no first frame");
    }
    bitstream_ = container.first_frame;
    frame_ = {container.width, container.height};
    left_ = container.x;
    top_ = container.y;
    features_ = features_of(bitstream_);
    const Size canvas = header_.stored_size;
    if (Size{features_.width, features_.height} != frame_ || left_ > canvas.width - frame_.width ||
        top_ > canvas.height - frame_.height) {
      fail("its first frame doesn't fit");
    }
  }
  header_.decode_bytes = decode_bytes();
}

std::uint64_t WebpReader::decode_bytes() const {
  constexpr std::uint64_t kTables = 64U << 10U;
  constexpr std::size_t kLosslessHeader = 5;
  constexpr std::uint8_t kAlphaIsLossless = 1;  // Of two bits of its first byte.
  const std::uint64_t pixels = pixels_of(frame_);
  const auto width = static_cast<std::uint64_t>(frame_.width);
  const auto lossless = [&](Bytes stream) {
    const LosslessCost cost = read_lossless_cost(stream, frame_);
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

Image WebpReader::decode(const Deadline& deadline) {
  Image canvas(header_.stored_size);
  if (frame_ != canvas.size()) {
    std::fill_n(canvas.row(0), 3 * pixels_of(canvas.size()), std::uint8_t{255});
  }
  const auto row = [&](int y) { return canvas.row(top_ + y) + 3 * static_cast<std::size_t>(left_); };
  const auto width = static_cast<std::size_t>(frame_.width);
  const auto height = static_cast<std::size_t>(frame_.height);
  if (features_.has_alpha == 0) {
    decode_bitstream(bitstream_, MODE_RGB, {row(0), canvas.stride() * (height - 1) + width * 3}, canvas.stride(),
                     deadline);
  } else {
    std::vector<std::uint8_t> rgba(width * height * 4);
    decode_bitstream(bitstream_, MODE_RGBA, rgba, width * 4, deadline);
    for (int y = 0; y < frame_.height; ++y) {
      blend_over_white(rgba.data() + static_cast<std::size_t>(y) * width * 4, 0, width, row(y));
    }
  }
  return canvas;
}

}  // namespace

std::unique_ptr<ImageReader> open_webp(Bytes bytes) { return std::make_unique<WebpReader>(bytes); }

}  // namespace catdog::core
