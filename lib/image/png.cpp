// SPDX-License-Identifier: Apache-2.0
#include "image/png.hpp"

#include <png.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "status.hpp"

namespace catdog::core {
namespace {

// Chunks whose contents don't change the image here; some unfold to much memory.
constexpr std::string_view kIgnoredChunks(
    "bKGD\0cHRM\0cICP\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0zTXt\0", 85);

struct Source {
  Bytes bytes;
  std::size_t at = 0;
  Jump jump;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Source() = default;
  ~Source() { png_destroy_read_struct(&png, &info, nullptr); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto& source = *static_cast<Source*>(png_get_error_ptr(png));
  const std::size_t length = std::min(std::strlen(message), source.jump.message.size() - 1);
  std::copy_n(message, length, source.jump.message.begin());
  source.jump.message[length] = '\0';
  std::longjmp(source.jump.target, 1);  // NOLINT(cert-err52-cpp)
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

void on_read(png_structp png, png_bytep to, std::size_t size) {
  auto& source = *static_cast<Source*>(png_get_io_ptr(png));
  if (source.bytes.size() - source.at < size) {
    png_error(png, "the file ends too early");
  }
  std::memcpy(to, source.bytes.data() + source.at, size);
  source.at += size;
}

// Whether the header, whose checksum is right, names a method that the standard keeps for later.
bool has_unknown_method(Bytes bytes) {
  constexpr std::size_t kMethods = 26;  // Compression, filter, interlace.
  return bytes.size() > kMethods + 2 && (bytes[kMethods] != 0 || bytes[kMethods + 1] != 0 || bytes[kMethods + 2] > 1);
}

// libpng has no error codes, only texts.
[[noreturn]] void fail(const Source& source) {
  const std::string reason(source.jump.message.data());
  const auto says = [&](const char* text) { return reason.find(text) != std::string::npos; };
  if (says("ut of memory") || says("ut of Memory") || says("nsufficient memory")) {
    throw Failure(Status::out_of_memory, "no memory for the PNG file: " + reason);
  }
  if (says("internal error")) {
    throw Failure(Status::internal, "libpng failed: " + reason);
  }
  if (says("unhandled critical chunk") || (says("Invalid IHDR data") && has_unknown_method(source.bytes))) {
    const bool apple = source.bytes.size() > 16 && std::memcmp(source.bytes.data() + 12, "CgBI", 4) == 0;
    throw Failure(Status::unsupported,
                  "a kind of PNG file that isn't read: " + (apple ? "Apple's CgBI, made for one of its apps" : reason) +
                      "; save it as a standard PNG");
  }
  throw Failure(Status::corrupt, "the PNG file is damaged: " + reason);
}

// Reads as far as the first chunk of pixels. False: libpng has no memory.
bool read_header(Source& source) {
  source.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, on_error, on_warning);
  source.info = source.png != nullptr ? png_create_info_struct(source.png) : nullptr;
  if (source.info == nullptr) {
    return false;
  }
  png_set_read_fn(source.png, &source, on_read);
  png_set_user_limits(source.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // Ours come with the header.
  // No limit on chunks: those that can be large are skipped, and the limit counts for these too.
  png_set_chunk_malloc_max(source.png, 0);
  png_set_keep_unknown_chunks(source.png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  png_set_keep_unknown_chunks(source.png, PNG_HANDLE_CHUNK_NEVER,
                              reinterpret_cast<png_const_bytep>(kIgnoredChunks.data()),
                              static_cast<int>(kIgnoredChunks.size() / 5));
  png_read_info(source.png, source.info);
  return true;
}

// Returns the channels of a row after the transformations: 3 or 4.
int start(const Source& source) {
  png_set_expand(source.png);  // Palette, fewer than 8 bits, tRNS.
  png_set_scale_16(source.png);
  png_set_gray_to_rgb(source.png);
  png_set_interlace_handling(source.png);
  png_read_update_info(source.png, source.info);
  return png_get_channels(source.png, source.info);
}

class PngReader : public ImageReader {
 public:
  explicit PngReader(Bytes bytes);
  Image decode(const Deadline& deadline) override;

 private:
  std::uint64_t decode_bytes() const;

  Source source_;
  bool alpha_ = false;
  bool interlaced_ = false;
};

PngReader::PngReader(Bytes bytes) {
  source_.bytes = bytes;
  bool started = false;
  if (!run_guarded(source_.jump, [&] { started = read_header(source_); })) {
    fail(source_);
  }
  if (!started) {
    throw Failure(Status::out_of_memory, "no memory for the PNG file");
  }
  header_.format = ImageFormat::png;
  header_.stored_size = {static_cast<int>(png_get_image_width(source_.png, source_.info)),
                         static_cast<int>(png_get_image_height(source_.png, source_.info))};
  alpha_ = (png_get_color_type(source_.png, source_.info) & PNG_COLOR_MASK_ALPHA) != 0 ||
           png_get_valid(source_.png, source_.info, PNG_INFO_tRNS) != 0;
  interlaced_ = png_get_interlace_type(source_.png, source_.info) != PNG_INTERLACE_NONE;
  header_.decode_bytes = decode_bytes();
}

std::uint64_t PngReader::decode_bytes() const {
  constexpr std::uint64_t kTables = 128U << 10U;  // zlib's window among others.
  constexpr std::uint64_t kRowPixelBytes = 16;    // Two rows of 16-bit RGBA.
  const auto width = static_cast<std::uint64_t>(header_.stored_size.width);
  const std::uint64_t pixels = pixels_of(header_.stored_size);
  return kTables + kRowPixelBytes * width + 3 * pixels + (alpha_ ? 4 * (interlaced_ ? pixels : width) : 0);
}

Image PngReader::decode(const Deadline& deadline) {
  int channels = 0;
  if (!run_guarded(source_.jump, [&] { channels = start(source_); })) {
    fail(source_);
  }
  if (channels != (alpha_ ? 4 : 3)) {
    throw Failure(Status::internal, "libpng gives " + std::to_string(channels) + " channels");
  }
  Image rgb(header_.stored_size);
  const auto width = static_cast<std::size_t>(header_.stored_size.width);
  // An interlaced image is read in seven passes over all rows; any other needs one row of RGBA only.
  const std::size_t rows = static_cast<std::size_t>(header_.stored_size.height);
  std::vector<std::uint8_t> rgba(alpha_ ? width * 4 * (interlaced_ ? rows : 1) : 0);
  const int passes = interlaced_ ? 7 : 1;
  if (!run_guarded(source_.jump, [&] {
        for (int pass = 0; pass < passes; ++pass) {
          for (std::size_t y = 0; y < rows; ++y) {
            deadline.check();
            auto* to = rgb.row(static_cast<int>(y));
            auto* row = alpha_ ? rgba.data() + (interlaced_ ? y * width * 4 : 0) : to;
            png_read_row(source_.png, row, nullptr);
            if (alpha_ && pass == passes - 1) {
              blend_over_white(row, 0, width, to);
            }
          }
        }
      })) {
    fail(source_);
  }
  return rgb;
}

}  // namespace

std::unique_ptr<ImageReader> open_png(Bytes bytes) { return std::make_unique<PngReader>(bytes); }

}  // namespace catdog::core
