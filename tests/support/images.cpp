// SPDX-License-Identifier: Apache-2.0
#include "support/images.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <stdexcept>

// After <cstdio>, which it relies on.
#include <jpeglib.h>
#include <png.h>

namespace catdog::test_support {
namespace {

void append(ByteString& to, std::initializer_list<int> bytes) {
  for (const int byte : bytes) {
    to.push_back(static_cast<std::uint8_t>(byte));
  }
}

void write_png(png_structp png, png_bytep data, std::size_t size) {
  auto& out = *static_cast<ByteString*>(png_get_io_ptr(png));
  out.insert(out.end(), data, data + size);
}

void flush_png(png_structp /*png*/) {}

// Calls next_row(y) for each row. libpng's default error handling aborts, which is what a test's own mistake deserves.
template <typename NextRow>
ByteString encode_png_rows(std::uint32_t width, std::uint32_t height, int depth, int colour, const NextRow& next_row) {
  ByteString out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &out, write_png, flush_png);
  png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
  png_set_IHDR(png, info, width, height, depth, colour, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (std::uint32_t y = 0; y < height; ++y) {
    png_write_row(png, next_row(y));
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

}  // namespace

Pixels make_scene(int width, int height) {
  Pixels scene{width, height, {}};
  scene.rgb.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int u = x * 255 / std::max(width - 1, 1);
      const int v = y * 255 / std::max(height - 1, 1);
      const bool dark = (u - 70) * (u - 70) + (v - 90) * (v - 90) < 2500;
      append(scene.rgb, {dark ? u / 4 : u, dark ? 40 : v, dark ? 60 : 255 - (u + v) / 2});
    }
  }
  return scene;
}

ByteString make_exif(int orientation, bool big_endian) {
  ByteString exif;
  append(exif, {'E', 'x', 'i', 'f', 0, 0});
  const int count = 1;
  if (big_endian) {
    append(exif, {'M', 'M', 0, 42, 0, 0, 0, 8, 0, count, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0});
  } else {
    append(exif, {'I', 'I', 42, 0, 8, 0, 0, 0, count, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0});
  }
  append(exif, {0, 0, 0, 0});
  return exif;
}

ByteString encode_jpeg(const Pixels& pixels, const JpegOptions& options) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(pixels.width);
  info.image_height = static_cast<JDIMENSION>(pixels.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, options.quality, TRUE);
  info.restart_in_rows = options.restart_rows;
  info.arith_code = options.arithmetic ? TRUE : FALSE;
  if (options.progressive) {
    jpeg_simple_progression(&info);
  }
  jpeg_start_compress(&info, TRUE);
  if (options.orientation != 0) {
    const ByteString exif = make_exif(options.orientation, options.big_endian);
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif.data(), static_cast<unsigned>(exif.size()));
  }
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<std::uint8_t*>(pixels.rgb.data()) +
                std::size_t{info.next_scanline} * static_cast<std::size_t>(pixels.width) * 3;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  ByteString out(buffer, buffer + size);
  std::free(buffer);
  return out;
}

ByteString encode_png(const Pixels& pixels) {
  return encode_png_rows(
      static_cast<std::uint32_t>(pixels.width), static_cast<std::uint32_t>(pixels.height), 8, PNG_COLOR_TYPE_RGB,
      [&](std::uint32_t y) { return pixels.rgb.data() + std::size_t{y} * static_cast<std::size_t>(pixels.width) * 3; });
}

ByteString make_black_png(std::uint32_t width, std::uint32_t height) {
  const ByteString row((width + 7) / 8);
  return encode_png_rows(width, height, 1, PNG_COLOR_TYPE_GRAY, [&](std::uint32_t) { return row.data(); });
}

ByteString make_jpeg_header(std::uint16_t width, std::uint16_t height) {
  ByteString out;
  append(out, {0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, height >> 8, height & 255, width >> 8, width & 255, 3});
  append(out, {1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0});
  append(out, {0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0});
  return out;
}

ByteString read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw std::runtime_error("can't read " + path);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

ByteString shipped_image(const std::string& name) {
  return read_file(std::string(CATDOG_SOURCE_DIR "/tests/golden/images/") + name);
}

long peak_memory_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  long kib = 0;
  while (status >> word) {
    if (word == "VmPeak:" && status >> kib) {
      return kib;
    }
  }
  throw std::runtime_error("no VmPeak in /proc/self/status");
}

}  // namespace catdog::test_support
