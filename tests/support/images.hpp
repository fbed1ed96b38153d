// SPDX-License-Identifier: Apache-2.0
// Makers of images for tests: generated pixels, encoded in memory. Files shipped with the tests: shipped_image().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace catdog::test_support {

using ByteString = std::vector<std::uint8_t>;
inline std::string text_of(const ByteString& bytes) { return {bytes.begin(), bytes.end()}; }

// Packed RGB rows: gradients with a dark disc, so that no two corners are alike.
struct Pixels {
  int width = 0;
  int height = 0;
  ByteString rgb;
};
Pixels make_scene(int width, int height);

struct JpegOptions {
  int quality = 90;
  bool progressive = false;
  int restart_rows = 0;      // iMCU rows between restart markers; 0 = none.
  bool arithmetic = false;   // Arithmetic instead of Huffman coding.
  int orientation = 0;       // EXIF orientation; 0 = no EXIF.
  bool big_endian = false;   // Byte order of the EXIF data.
  bool full_colour = false;  // As many colour samples as brightness samples (4:4:4) instead of a quarter (4:2:0).
  bool scan_each = false;    // A scan for each component, not progressive.
  bool grey = false;
  bool four_inks = false;  // CMYK.
};
ByteString encode_jpeg(const Pixels& pixels, const JpegOptions& options = {});
struct PngOptions {
  bool alpha = false;
  bool interlaced = false;
  bool deep = false;  // 16 bits.
};
ByteString encode_png(const Pixels& pixels, const PngOptions& options = {});

struct WebpOptions {
  bool lossless = false;
  bool alpha = false;
};
ByteString encode_webp(const Pixels& pixels, const WebpOptions& options = {});

// A lossless WebP file, all transparent, with a group of prefix codes for each block of 4 x 4 pixels, at most 65,536.
ByteString make_webp_of_groups(int width, int height);

// One frame of `width` x `height` pixels of four colours, uncompressed, at `left`, `top` of a screen.
struct GifOptions {
  int screen_width = 0;
  int screen_height = 0;
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  bool interlaced = false;
  bool palette = true;
  int transparent = -1;  // Index of the colour that isn't drawn; -1 = none.
};
ByteString make_gif(const GifOptions& options);

// A valid 1-bit grey PNG, all black: a few KB for millions of pixels.
ByteString make_black_png(std::uint32_t width, std::uint32_t height);

// Header of a baseline JPEG of that size up to its first scan, which has no data.
ByteString make_jpeg_header(std::uint16_t width, std::uint16_t height);

// EXIF data as in an APP1 segment, with "Exif\0\0".
ByteString make_exif(int orientation, bool big_endian);

ByteString read_file(const std::string& path);      // Throws std::runtime_error.
ByteString shipped_image(const std::string& name);  // tests/golden/images/<name>.

// Peak of the process's virtual memory in KiB, from /proc/self/status.
long peak_memory_kib();

}  // namespace catdog::test_support
