// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "image/codec.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

// Chunks whose contents don't change the image here; some unfold to much memory.
constexpr std::string_view kIgnoredChunks(
    "bKGD\0cHRM\0cICP\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0zTXt\0", 85);
constexpr std::size_t kChunkMemory = 1U << 20;

struct Reader {
  Bytes bytes;
  std::size_t at = 0;
  Jump jump;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Reader() = default;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto& reader = *static_cast<Reader*>(png_get_error_ptr(png));
  const std::size_t length = std::min(std::strlen(message), reader.jump.message.size() - 1);
  std::copy_n(message, length, reader.jump.message.begin());
  reader.jump.message[length] = '\0';
  std::longjmp(reader.jump.target, 1);  // NOLINT(cert-err52-cpp)
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

void on_read(png_structp png, png_bytep to, std::size_t size) {
  auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
  if (reader.bytes.size() - reader.at < size) {
    png_error(png, "the file ends too early");
  }
  std::memcpy(to, reader.bytes.data() + reader.at, size);
  reader.at += size;
}

std::uint64_t big_endian_32(Bytes bytes, std::size_t at) {
  return std::uint64_t{bytes[at]} << 24 | std::uint64_t{bytes[at + 1]} << 16 | std::uint64_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}

[[noreturn]] void fail(const Reader& reader) {
  throw Failure(Status::corrupt, std::string("the PNG file is damaged: ") + reader.jump.message.data());
}

// Returns the channels of a row after the transformations: 3 or 4. -1: libpng has no memory.
int start(Reader& reader, const ImageLimits& limits) {
  png_set_read_fn(reader.png, &reader, on_read);
  png_set_user_limits(reader.png, limits.max_side, limits.max_side);
  png_set_chunk_malloc_max(reader.png, kChunkMemory);
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER,
                              reinterpret_cast<png_const_bytep>(kIgnoredChunks.data()),
                              static_cast<int>(kIgnoredChunks.size() / 5));
  png_read_info(reader.png, reader.info);
  png_set_expand(reader.png);  // Palette, fewer than 8 bits, tRNS.
  png_set_scale_16(reader.png);
  png_set_gray_to_rgb(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return png_get_channels(reader.png, reader.info);
}

}  // namespace

DecodedImage decode_png(Bytes bytes, const ImageLimits& limits) {
  constexpr std::size_t kHeaderEnd = 24;  // Signature, IHDR's length and name, width, height.
  if (bytes.size() < kHeaderEnd || std::memcmp(bytes.data() + 12, "IHDR", 4) != 0) {
    throw Failure(Status::corrupt, "the PNG file is damaged: it doesn't begin with a header");
  }
  check_size(big_endian_32(bytes, 16), big_endian_32(bytes, 20), limits);

  Reader reader;
  reader.bytes = bytes;
  int channels = 0;
  if (!run_guarded(reader.jump, [&] {
        reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
        reader.info = reader.png != nullptr ? png_create_info_struct(reader.png) : nullptr;
        channels = reader.info != nullptr ? start(reader, limits) : -1;
      })) {
    fail(reader);
  }
  if (channels != 3 && channels != 4) {
    throw Failure(channels < 0 ? Status::out_of_memory : Status::internal, "libpng can't be started");
  }
  DecodedImage image;
  image.format = ImageFormat::png;
  image.stored_size = {static_cast<int>(png_get_image_width(reader.png, reader.info)),
                       static_cast<int>(png_get_image_height(reader.png, reader.info))};
  image.rgb = allocate_rgb(image.stored_size);
  const auto width = static_cast<std::size_t>(image.stored_size.width);
  const bool interlaced = png_get_interlace_type(reader.png, reader.info) != PNG_INTERLACE_NONE;
  // An interlaced image is read in seven passes over all rows; any other needs one row of RGBA only.
  const std::size_t rows = static_cast<std::size_t>(image.stored_size.height);
  std::vector<std::uint8_t> rgba(channels == 4 ? width * 4 * (interlaced ? rows : 1) : 0);
  const int passes = interlaced ? 7 : 1;
  if (!run_guarded(reader.jump, [&] {
        for (int pass = 0; pass < passes; ++pass) {
          for (std::size_t y = 0; y < rows; ++y) {
            auto* rgb = image.rgb.ptr<std::uint8_t>(static_cast<int>(y));
            auto* row = channels == 3 ? rgb : rgba.data() + (interlaced ? y * width * 4 : 0);
            png_read_row(reader.png, row, nullptr);
            if (channels == 4 && pass == passes - 1) {
              blend_over_white(row, 0, width, rgb);
            }
          }
        }
      })) {
    fail(reader);
  }
  return image;
}

}  // namespace catdog::core
