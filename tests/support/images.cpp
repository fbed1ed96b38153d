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
#include <webp/encode.h>

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
ByteString encode_png_rows(std::uint32_t width, std::uint32_t height, int depth, int colour, const NextRow& next_row,
                           int interlace = PNG_INTERLACE_NONE) {
  ByteString out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &out, write_png, flush_png);
  png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
  png_set_IHDR(png, info, width, height, depth, colour, interlace, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int passes = png_set_interlace_handling(png); passes > 0; --passes) {
    for (std::uint32_t y = 0; y < height; ++y) {
      png_write_row(png, next_row(y));
    }
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
  // Of grey and of four inks only the kind of file counts: they get the RGB bytes.
  info.input_components = options.grey ? 1 : options.four_inks ? 4 : 3;
  info.in_color_space = options.grey ? JCS_GRAYSCALE : options.four_inks ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  if (options.full_colour) {
    info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  }
  jpeg_set_quality(&info, options.quality, TRUE);
  info.restart_in_rows = options.restart_rows;
  info.arith_code = options.arithmetic ? TRUE : FALSE;
  if (options.progressive) {
    jpeg_simple_progression(&info);
  }
  std::vector<jpeg_scan_info> scans;
  if (options.scan_each) {
    for (int c = 0; c < info.num_components; ++c) scans.push_back({1, {c}, 0, 63, 0, 0});
    info.scan_info = scans.data();
    info.num_scans = static_cast<int>(scans.size());
  }
  jpeg_start_compress(&info, TRUE);
  if (options.orientation != 0) {
    const ByteString exif = make_exif(options.orientation, options.big_endian);
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif.data(), static_cast<unsigned>(exif.size()));
  }
  ByteString line(static_cast<std::size_t>(pixels.width) * 4);
  while (info.next_scanline < info.image_height) {
    const auto* from = pixels.rgb.data() + std::size_t{info.next_scanline} * static_cast<std::size_t>(pixels.width) * 3;
    std::copy_n(from, pixels.width * 3, line.begin());
    auto* row = line.data();
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  ByteString out(buffer, buffer + size);
  std::free(buffer);
  return out;
}

ByteString encode_png(const Pixels& pixels, const PngOptions& options) {
  const auto width = static_cast<std::size_t>(pixels.width);
  const std::size_t samples = options.alpha ? 4 : 3;
  const std::size_t bytes = options.deep ? 2 : 1;
  ByteString row(width * samples * bytes);
  const auto next_row = [&](std::uint32_t y) {
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t c = 0; c < samples; ++c) {
        row[(x * samples + c) * bytes] = c < 3 ? pixels.rgb[(y * width + x) * 3 + c] : static_cast<std::uint8_t>(x);
      }
    }
    return row.data();
  };
  return encode_png_rows(static_cast<std::uint32_t>(pixels.width), static_cast<std::uint32_t>(pixels.height),
                         options.deep ? 16 : 8, options.alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, next_row,
                         options.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE);
}

ByteString encode_webp(const Pixels& pixels, const WebpOptions& options) {
  const std::size_t count = pixels.rgb.size() / 3;
  ByteString rgba(count * 4);
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(pixels.rgb.begin() + static_cast<std::ptrdiff_t>(3 * i), 3,
                rgba.begin() + static_cast<std::ptrdiff_t>(4 * i));
    rgba[4 * i + 3] = options.alpha ? static_cast<std::uint8_t>(i % 251) : 255;
  }
  std::uint8_t* out = nullptr;
  const int stride = pixels.width * 4;
  const std::size_t size = options.lossless
                               ? WebPEncodeLosslessRGBA(rgba.data(), pixels.width, pixels.height, stride, &out)
                               : WebPEncodeRGBA(rgba.data(), pixels.width, pixels.height, stride, 80, &out);
  ByteString file(out, out + size);
  WebPFree(out);
  return file;
}

ByteString make_webp_of_groups(int width, int height) {
  ByteString stream{0x2F};
  unsigned filled = 8;
  const auto put = [&](unsigned value, unsigned bits) {  // Lowest bit first.
    for (; bits > 0; --bits, value >>= 1U) {
      if (filled == 8) {
        stream.push_back(0);
        filled = 0;
      }
      stream.back() = static_cast<std::uint8_t>(stream.back() | (value & 1U) << filled++);
    }
  };
  const auto put_symbol = [&](unsigned value) {  // In a code where all have 8 bits: highest bit first.
    for (int bit = 7; bit >= 0; --bit) put(value >> bit & 1U, 1);
  };
  const auto put_single_code = [&] { put(1, 4); };  // Simple, one symbol, of one bit: 0.
  const auto put_byte_code = [&](int more) {        // 256 symbols of 8 bits, then some of none.
    put(0, 1);
    put(12 - 4, 4);
    for (int i = 0; i < 12; ++i) put(i == 2 || i == 11 ? 1 : 0, 3);  // Lengths 0 and 8, in one bit each.
    put(0, 1);
    for (int i = 0; i < 256; ++i) put(1, 1);
    for (int i = 0; i < more; ++i) put(0, 1);
  };
  put(static_cast<unsigned>(width - 1), 14);
  put(static_cast<unsigned>(height - 1), 14);
  put(1, 4);  // Alpha; version 0.
  put(0, 2);  // No transform, no colour cache.
  put(1, 4);  // Groups of codes for blocks of 4 x 4.
  put(0, 1);  // No colour cache among the groups' numbers.
  put_byte_code(24);
  put_byte_code(0);
  for (int i = 0; i < 3; ++i) put_single_code();
  const unsigned groups = static_cast<unsigned>((width + 3) / 4 * ((height + 3) / 4));
  for (unsigned group = 0; group < groups; ++group) {
    put_symbol(group & 255U);
    put_symbol(group >> 8U & 255U);
  }
  for (unsigned code = 0; code < 5 * std::min(groups, 65'536U); ++code) put_single_code();
  put(0, 8);

  ByteString file{'R', 'I', 'F', 'F', 0, 0, 0, 0, 'W', 'E', 'B', 'P', 'V', 'P', '8', 'L', 0, 0, 0, 0};
  file.insert(file.end(), stream.begin(), stream.end());
  if (stream.size() % 2 != 0) file.push_back(0);
  for (std::size_t i = 0; i < 4; ++i) {
    file[4 + i] = static_cast<std::uint8_t>((file.size() - 8) >> 8 * i);
    file[16 + i] = static_cast<std::uint8_t>(stream.size() >> 8 * i);
  }
  return file;
}

ByteString make_gif(const GifOptions& options) {
  ByteString out;
  const auto append_16 = [&](int value) { append(out, {value & 255, value >> 8}); };
  append(out, {'G', 'I', 'F', '8', '9', 'a'});
  append_16(options.screen_width);
  append_16(options.screen_height);
  append(out, {options.palette ? 0x81 : 0, 0, 0});
  if (options.palette) append(out, {200, 10, 20, 30, 210, 40, 50, 60, 220, 250, 240, 10});
  if (options.transparent >= 0) append(out, {0x21, 0xF9, 4, 1, 0, 0, options.transparent, 0});
  append(out, {0x2C});
  for (const int number : {options.left, options.top, options.width, options.height}) append_16(number);
  append(out, {options.interlaced ? 0x40 : 0});
  // Codes of 8 bits: a 7-bit pixel, 128 to clear the table before codes grow to 9 bits, 129 for the end.
  append(out, {7});
  ByteString codes;
  for (int i = 0; i < options.width * options.height; ++i) {
    if (i % 100 == 0) codes.push_back(128);
    codes.push_back(static_cast<std::uint8_t>((i / 3 + i / std::max(options.width, 1)) % 4));
  }
  codes.push_back(129);
  for (std::size_t at = 0; at < codes.size(); at += 255) {
    const std::size_t length = std::min<std::size_t>(255, codes.size() - at);
    out.push_back(static_cast<std::uint8_t>(length));
    out.insert(out.end(), codes.begin() + static_cast<std::ptrdiff_t>(at),
               codes.begin() + static_cast<std::ptrdiff_t>(at + length));
  }
  append(out, {0, 0x3B});
  return out;
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
