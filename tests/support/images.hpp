// SPDX-License-Identifier: Apache-2.0
// Makers of images for tests: generated pixels, encoded in memory. Files shipped with the tests: shipped_image().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace catdog::test_support {

using ByteString = std::vector<std::uint8_t>;

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
  int restart_rows = 0;     // iMCU rows between restart markers; 0 = none.
  bool arithmetic = false;  // Arithmetic instead of Huffman coding.
  int orientation = 0;      // EXIF orientation; 0 = no EXIF.
  bool big_endian = false;  // Byte order of the EXIF data.
};
ByteString encode_jpeg(const Pixels& pixels, const JpegOptions& options = {});
ByteString encode_png(const Pixels& pixels);

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
