// SPDX-License-Identifier: Apache-2.0
// After "Specification for WebP Lossless Bitstream"; sizes after libwebp's vp8l_dec.c.
#include "image/webp_lossless.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "status.hpp"

namespace catdog::core {
namespace {

constexpr unsigned kMaxCodeLength = 15;
constexpr unsigned kLengthSymbols = 24;
constexpr unsigned kDistanceSymbols = 40;
constexpr unsigned kMaxCacheBits = 11;

// Numbers of entries that libwebp reserves for the tables of one group, by the bits of the colour cache.
constexpr std::array<std::uint64_t, kMaxCacheBits + 1> kGroupEntries{2954, 2956, 2958, 2962, 2970, 2986,
                                                                     3018, 3082, 3212, 3468, 3980, 5004};
constexpr std::uint64_t kEntryBytes = 4;
constexpr std::uint64_t kGroupBytes = 640;  // Of the group itself.

// Near pixels by code, as offsets: rows above << 4 | 8 - columns to the left.
constexpr std::array<std::uint8_t, 120> kNear{
    0x18, 0x07, 0x17, 0x19, 0x28, 0x06, 0x27, 0x29, 0x16, 0x1a, 0x26, 0x2a, 0x38, 0x05, 0x37, 0x39, 0x15, 0x1b,
    0x36, 0x3a, 0x25, 0x2b, 0x48, 0x04, 0x47, 0x49, 0x14, 0x1c, 0x35, 0x3b, 0x46, 0x4a, 0x24, 0x2c, 0x58, 0x45,
    0x4b, 0x34, 0x3c, 0x03, 0x57, 0x59, 0x13, 0x1d, 0x56, 0x5a, 0x23, 0x2d, 0x44, 0x4c, 0x55, 0x5b, 0x33, 0x3d,
    0x68, 0x02, 0x67, 0x69, 0x12, 0x1e, 0x66, 0x6a, 0x22, 0x2e, 0x54, 0x5c, 0x43, 0x4d, 0x65, 0x6b, 0x32, 0x3e,
    0x78, 0x01, 0x77, 0x79, 0x53, 0x5d, 0x11, 0x1f, 0x64, 0x6c, 0x42, 0x4e, 0x76, 0x7a, 0x21, 0x2f, 0x75, 0x7b,
    0x31, 0x3f, 0x63, 0x6d, 0x52, 0x5e, 0x00, 0x74, 0x7c, 0x41, 0x4f, 0x10, 0x20, 0x62, 0x6e, 0x30, 0x73, 0x7d,
    0x51, 0x5f, 0x40, 0x72, 0x7e, 0x61, 0x6f, 0x50, 0x71, 0x7f, 0x60, 0x70};

[[noreturn]] void fail() {
  throw Failure(Status::corrupt, "the WebP file is damaged: the codes of its lossless image can't be read");
}

class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}
  // Lowest bit first, at most 24. Throws Failure at the stream's end.
  unsigned read(unsigned count) {
    const unsigned value = peek(count);
    skip(count);
    return value;
  }
  // As read(), with zeros behind the stream's end, and without going on.
  unsigned peek(unsigned count) {
    for (; held_ < count; held_ += 8) {
      bits_ |= std::uint64_t{at_ < bytes_.size() ? bytes_[at_] : 0U} << held_;
      ++at_;
    }
    return static_cast<unsigned>(bits_ & ((std::uint64_t{1} << count) - 1));
  }
  void skip(unsigned count) {
    bits_ >>= count;
    held_ -= count;
    if (at_ > bytes_.size() + held_ / 8) fail();
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
  std::uint64_t bits_ = 0;
  unsigned held_ = 0;
};

// Canonical prefix code: symbols by length, then by number.
class PrefixCode {
 public:
  // Throws Failure unless the lengths make one complete code or name a single symbol.
  explicit PrefixCode(std::span<const std::uint8_t> lengths) {
    for (const std::uint8_t length : lengths) ++counts_[length];
    counts_[0] = 0;
    std::array<unsigned, kMaxCodeLength + 2> starts{};
    int open = 1;
    for (unsigned length = 1; length <= kMaxCodeLength; ++length) {
      open = 2 * open - static_cast<int>(counts_[length]);
      if (open < 0) fail();
      starts[length + 1] = starts[length] + counts_[length];
    }
    symbols_.resize(starts[kMaxCodeLength + 1]);
    if (symbols_.empty() || (open != 0 && symbols_.size() != 1)) fail();
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] != 0) symbols_[starts[lengths[symbol]]++] = static_cast<std::uint16_t>(symbol);
    }
    if (symbols_.size() > 1) fill_table();
  }

  unsigned read(BitReader& bits) const {
    if (symbols_.size() == 1) return symbols_.front();  // Of no bits.
    const unsigned next = bits.peek(kMaxCodeLength);
    if (const Short& found = table_[next % table_.size()]; found.length != 0) {
      bits.skip(found.length);
      return found.symbol;
    }
    unsigned length = 0;
    const unsigned symbol = find(next, length);
    bits.skip(length);
    return symbol;
  }

 private:
  struct Short {
    std::uint16_t symbol = 0;
    std::uint8_t length = 0;
  };

  unsigned find(unsigned bits, unsigned& length) const {
    unsigned code = 0;
    unsigned first = 0;
    unsigned index = 0;
    for (length = 1; length <= kMaxCodeLength; ++length, bits >>= 1U) {
      code = code << 1U | (bits & 1U);
      first <<= 1U;
      if (code - first < counts_[length]) return symbols_[index + code - first];
      index += counts_[length];
      first += counts_[length];
    }
    fail();
  }
  void fill_table() {
    for (unsigned bits = 0; bits < table_.size(); ++bits) {
      unsigned length = 0;
      const unsigned symbol = find(bits, length);
      if (length <= kTableBits) table_[bits] = {static_cast<std::uint16_t>(symbol), static_cast<std::uint8_t>(length)};
    }
  }

  static constexpr unsigned kTableBits = 8;
  std::array<unsigned, kMaxCodeLength + 1> counts_{};
  std::vector<std::uint16_t> symbols_;
  std::array<Short, 1U << kTableBits> table_{};
};

void read_lengths(BitReader& bits, std::span<std::uint8_t> lengths) {
  constexpr std::array<std::uint8_t, 19> kOrder{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  std::array<std::uint8_t, kOrder.size()> of_lengths{};
  const unsigned count = bits.read(4) + 4;
  for (unsigned i = 0; i < count; ++i) of_lengths[kOrder[i]] = static_cast<std::uint8_t>(bits.read(3));
  const PrefixCode code(of_lengths);
  std::size_t left = lengths.size();
  if (bits.read(1) != 0) {
    left = 2;
    left += bits.read(2 + 2 * bits.read(3));
    if (left > lengths.size()) fail();
  }
  std::uint8_t last = 8;
  for (std::size_t symbol = 0; symbol < lengths.size() && left > 0; --left) {
    const unsigned length = code.read(bits);
    if (length < 16) {
      lengths[symbol++] = static_cast<std::uint8_t>(length);
      if (length != 0) last = static_cast<std::uint8_t>(length);
      continue;
    }
    const std::size_t repeat = length == 16 ? 3 + bits.read(2) : length == 17 ? 3 + bits.read(3) : 11 + bits.read(7);
    if (repeat > lengths.size() - symbol) fail();
    std::fill_n(lengths.begin() + static_cast<std::ptrdiff_t>(symbol), repeat, length == 16 ? last : 0);
    symbol += repeat;
  }
}

PrefixCode read_code(BitReader& bits, unsigned alphabet) {
  std::vector<std::uint8_t> lengths(std::max(alphabet, 256U));
  if (bits.read(1) != 0) {
    const bool two = bits.read(1) != 0;
    lengths[bits.read(bits.read(1) != 0 ? 8 : 1)] = 1;
    if (two) lengths[bits.read(8)] = 1;
  } else {
    read_lengths(bits, std::span(lengths).first(alphabet));
  }
  return PrefixCode(std::span(lengths).first(alphabet));
}

unsigned read_cache_bits(BitReader& bits) {
  if (bits.read(1) == 0) return 0;
  const unsigned cache_bits = bits.read(4);
  if (cache_bits < 1 || cache_bits > kMaxCacheBits) fail();
  return cache_bits;
}

std::size_t read_distance(BitReader& bits, unsigned symbol) {
  if (symbol < 4) return symbol + 1;
  const unsigned extra = (symbol - 2) >> 1U;
  return (std::size_t{2 + (symbol & 1U)} << extra) + bits.read(extra) + 1;
}

std::size_t pixels_back(std::size_t code, std::size_t width) {
  if (code > kNear.size()) return code - kNear.size();
  const std::uint8_t near = kNear[code - 1];
  const std::ptrdiff_t back = (near >> 4) * static_cast<std::ptrdiff_t>(width) + 8 - (near & 15);
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(back, 1));
}

// An image inside the stream: a transform's parameters, a palette, or which group of codes counts where.
std::vector<std::uint32_t> read_inner_image(BitReader& bits, std::size_t width, std::size_t height) {
  const unsigned cache_bits = read_cache_bits(bits);
  std::vector<std::uint32_t> cache(cache_bits != 0 ? std::size_t{1} << cache_bits : 0);
  const PrefixCode green = read_code(bits, 256 + kLengthSymbols + static_cast<unsigned>(cache.size()));
  const PrefixCode red = read_code(bits, 256);
  const PrefixCode blue = read_code(bits, 256);
  const PrefixCode alpha = read_code(bits, 256);
  const PrefixCode distance = read_code(bits, kDistanceSymbols);
  std::vector<std::uint32_t> pixels(width * height);
  const auto keep = [&](std::uint32_t pixel) {
    if (!cache.empty()) cache[(0x1e35a7bdU * pixel) >> (32 - cache_bits)] = pixel;
  };
  for (std::size_t at = 0; at < pixels.size();) {
    const unsigned symbol = green.read(bits);
    if (symbol < 256) {
      const unsigned r = red.read(bits);
      const unsigned b = blue.read(bits);
      const unsigned a = alpha.read(bits);
      keep(pixels[at++] = a << 24U | r << 16U | symbol << 8U | b);
    } else if (symbol < 256 + kLengthSymbols) {
      const std::size_t length = read_distance(bits, symbol - 256);
      const std::size_t back = pixels_back(read_distance(bits, distance.read(bits)), width);
      if (back > at || length > pixels.size() - at) fail();
      for (std::size_t i = 0; i < length; ++i, ++at) keep(pixels[at] = pixels[at - back]);
    } else {
      keep(pixels[at++] = cache[symbol - 256 - kLengthSymbols]);
    }
  }
  return pixels;
}

std::size_t count_groups(const std::vector<std::uint32_t>& image, std::uint64_t all_pixels) {
  std::vector<bool> used(1U << 16U);
  std::size_t count = 0;
  std::size_t highest = 0;
  for (const std::uint32_t pixel : image) {
    const std::size_t group = pixel >> 8U & 0xFFFFU;
    highest = std::max(highest, group);
    if (!used[group]) ++count;
    used[group] = true;
  }
  // As libwebp does: it leaves out the groups that aren't used only when there are many.
  return highest + 1 > 1000 || highest + 1 > all_pixels ? count : highest + 1;
}

}  // namespace

LosslessCost read_lossless_cost(Bytes stream, Size size) {
  enum Transform : std::uint8_t { predictor, cross_colour, subtract_green, palette };
  BitReader bits(stream);
  auto width = static_cast<std::size_t>(size.width);
  const auto height = static_cast<std::size_t>(size.height);
  const auto blocks = [](std::size_t side, unsigned block_bits) {
    return (side + (std::size_t{1} << block_bits) - 1) >> block_bits;
  };
  LosslessCost cost;
  unsigned seen = 0;
  while (bits.read(1) != 0) {
    const unsigned type = bits.read(2);
    if ((seen >> type & 1U) != 0) fail();
    seen |= 1U << type;
    if (type == predictor || type == cross_colour) {
      const unsigned block_bits = bits.read(3) + 2;
      cost.table_bytes += 4 * read_inner_image(bits, blocks(width, block_bits), blocks(height, block_bits)).size();
    } else if (type == palette) {
      const std::size_t colours = bits.read(8) + 1;
      const unsigned packed_bits = colours > 16 ? 0 : colours > 4 ? 1 : colours > 2 ? 2 : 3;
      read_inner_image(bits, colours, 1);
      cost.table_bytes += std::uint64_t{4} << (8U >> packed_bits);
      width = blocks(width, packed_bits);
    }
  }
  const unsigned cache_bits = read_cache_bits(bits);
  if (cache_bits != 0) cost.table_bytes += std::uint64_t{2 * 4} << cache_bits;  // One is kept for the next step.
  std::uint64_t groups = 1;
  cost.pixels = std::uint64_t{width} * height;
  if (bits.read(1) != 0) {
    const unsigned block_bits = bits.read(3) + 2;
    const auto image = read_inner_image(bits, blocks(width, block_bits), blocks(height, block_bits));
    cost.table_bytes += 4 * image.size();
    groups = count_groups(image, cost.pixels);
  }
  cost.table_bytes += groups * (kGroupEntries[cache_bits] * kEntryBytes + kGroupBytes);
  return cost;
}

}  // namespace catdog::core
