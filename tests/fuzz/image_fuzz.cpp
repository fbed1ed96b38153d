// SPDX-License-Identifier: Apache-2.0
// Image files and raw pixels, all the way to the model's input. The last byte chooses; see make_seeds.cpp.
#include <cstdint>
#include <cstring>
#include <vector>

#include "image/decode.hpp"
#include "image/preprocess.hpp"
#include "status.hpp"

using namespace catdog::core;

namespace {

// Small enough for thousands of images a second.
constexpr ImageLimits limits{1U << 20U, 1U << 20U, 2048, 20};

void preprocess(const DecodedImage& image, bool bfloat16) {
  constexpr Size target{32, 24};
  std::vector<std::uint8_t> memory(3U * 32 * 24 * sizeof(float));
  InputSpec spec;
  spec.width = target.width;
  spec.height = target.height;
  const InputTensor tensor{memory.data(), bfloat16 ? ElementType::bfloat16 : ElementType::float32,
                           bfloat16 ? Layout::nchw : Layout::nhwc, target.height, target.width};
  normalise(resize_and_orient(image, target), spec, tensor);
}

// The size is taken from the end of the input, the pixels are what is before.
DecodedImage import(std::span<const std::uint8_t> bytes, unsigned choice) {
  struct {
    std::uint64_t row_stride;
    std::int32_t width;
    std::int32_t height;
    std::int8_t region[4];
  } header{};
  if (bytes.size() < sizeof header) throw Failure(Status::invalid_argument, "too short");
  std::memcpy(&header, bytes.last(sizeof header).data(), sizeof header);
  const auto& [x, y, width, height] = header.region;
  const RawPixels pixels{static_cast<PixelFormat>(choice % 12),
                         bytes.first(bytes.size() - sizeof header),
                         header.width,
                         header.height,
                         header.row_stride,
                         {},
                         {x, y, width, height},
                         1 + static_cast<Orientation>(choice % 8)};
  return import_pixels(pixels, limits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned mode = data[size - 1];
  const std::span<const std::uint8_t> bytes(data, size - 1);
  try {
    preprocess(mode % 2 == 0 ? decode_image(bytes, {32, 24}, limits) : import(bytes, mode / 4), mode % 4 >= 2);
  } catch (const Failure&) {  // The only way to fail.
  }
  return 0;
}
