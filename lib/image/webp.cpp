// SPDX-License-Identifier: Apache-2.0
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>
#include <string>
#include <vector>

#include "image/codec.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

struct DemuxDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
using Demuxer = std::unique_ptr<WebPDemuxer, DemuxDeleter>;

struct Frame {
  WebPIterator iterator{};
  Frame() = default;
  ~Frame() { WebPDemuxReleaseIterator(&iterator); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
};

Demuxer open_container(Bytes bytes) {
  const WebPData data{bytes.data(), bytes.size()};
  return Demuxer(WebPDemux(&data));
}

[[noreturn]] void fail(const std::string& what) { throw Failure(Status::corrupt, "the WebP file is damaged: " + what); }

WebPBitstreamFeatures features_of(Bytes bytes) {
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(bytes.data(), bytes.size(), &features) != VP8_STATUS_OK) {
    fail("its header can't be read");
  }
  return features;
}

// Decodes one bitstream of known size into the rows of `to`.
void decode_bitstream(Bytes bytes, const WebPBitstreamFeatures& features, cv::Mat to) {
  const auto width = static_cast<std::size_t>(features.width);
  const auto height = static_cast<std::size_t>(features.height);
  const std::uint8_t* decoded = nullptr;
  if (features.has_alpha == 0) {
    decoded = WebPDecodeRGBInto(bytes.data(), bytes.size(), to.data, to.step * (height - 1) + width * 3,
                                static_cast<int>(to.step));
  } else {
    std::vector<std::uint8_t> rgba(width * height * 4);
    decoded = WebPDecodeRGBAInto(bytes.data(), bytes.size(), rgba.data(), rgba.size(), features.width * 4);
    for (std::size_t y = 0; decoded != nullptr && y < height; ++y) {
      blend_over_white(rgba.data() + y * width * 4, 0, width, to.ptr<std::uint8_t>(static_cast<int>(y)));
    }
  }
  if (decoded == nullptr) {
    fail("its pixels can't be decoded");
  }
}

Orientation orientation_of(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk{};
  Orientation orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0) {
    orientation = exif_orientation({chunk.chunk.bytes, chunk.chunk.size});
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

void decode_first_frame(const WebPDemuxer* demuxer, cv::Mat& canvas) {
  Frame frame;
  if (WebPDemuxGetFrame(demuxer, 1, &frame.iterator) == 0) {
    fail("it has no first frame");
  }
  const WebPIterator& at = frame.iterator;
  const Bytes bitstream(at.fragment.bytes, at.fragment.size);
  const WebPBitstreamFeatures features = features_of(bitstream);
  if (features.width != at.width || features.height != at.height || at.x_offset < 0 || at.y_offset < 0 ||
      at.x_offset > canvas.cols - at.width || at.y_offset > canvas.rows - at.height) {
    fail("its first frame doesn't fit");
  }
  canvas.setTo(cv::Scalar::all(255));
  decode_bitstream(bitstream, features, canvas(cv::Rect(at.x_offset, at.y_offset, at.width, at.height)));
}

}  // namespace

DecodedImage decode_webp(Bytes bytes, const ImageLimits& limits) {
  const WebPBitstreamFeatures features = features_of(bytes);
  check_size(static_cast<std::uint64_t>(features.width), static_cast<std::uint64_t>(features.height), limits);
  DecodedImage image;
  image.format = ImageFormat::webp;
  image.stored_size = {features.width, features.height};
  const Demuxer demuxer = open_container(bytes);
  if (demuxer != nullptr) {
    image.orientation = orientation_of(demuxer.get());
  } else if (features.has_animation != 0) {
    fail("its frames can't be found");
  }
  image.rgb = allocate_rgb(image.stored_size);
  if (features.has_animation != 0) {
    decode_first_frame(demuxer.get(), image.rgb);
  } else {
    decode_bitstream(bytes, features, image.rgb);
  }
  return image;
}

}  // namespace catdog::core
