// SPDX-License-Identifier: Apache-2.0
// The first frame only: DGifSlurp() would read, and allocate, all of them.
#include "image/gif.hpp"

#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "status.hpp"

namespace catdog::core {
namespace {

struct Source {
  Bytes bytes;
  std::size_t at = 0;
};

int on_read(GifFileType* gif, GifByteType* to, int size) {
  auto& source = *static_cast<Source*>(gif->UserData);
  if (size == 1 && source.at == source.bytes.size()) {  // As if the last block ended: a frame may be all there.
    *to = 0;
    return 1;
  }
  const std::size_t count = std::min(source.bytes.size() - source.at, static_cast<std::size_t>(std::max(size, 0)));
  if (count > 0) {
    std::memcpy(to, source.bytes.data() + source.at, count);
  }
  source.at += count;
  return static_cast<int>(count);
}

struct GifCloser {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};
using Gif = std::unique_ptr<GifFileType, GifCloser>;

// Of a file only: reading fails when its bytes end, and nothing is opened or written.
[[noreturn]] void fail(int code) {
  if (code == D_GIF_ERR_NOT_ENOUGH_MEM) {
    throw Failure(Status::out_of_memory, "no memory for the GIF file");
  }
  const char* reason = GifErrorString(code);
  throw Failure(Status::corrupt,
                std::string("the GIF file is damaged: ") + (reason != nullptr ? reason : "giflib gives no reason"));
}

// Reads up to the first image's descriptor; returns its transparent index or NO_TRANSPARENT_COLOR.
int find_first_frame(GifFileType* gif) {
  int transparent = NO_TRANSPARENT_COLOR;
  for (;;) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &record) == GIF_ERROR) {
      fail(gif->Error);
    }
    if (record == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(gif) == GIF_ERROR) {
        fail(gif->Error);
      }
      return transparent;
    }
    if (record == TERMINATE_RECORD_TYPE) {
      throw Failure(Status::unsupported, "a GIF file without an image: it has comments or texts only");
    }
    if (record != EXTENSION_RECORD_TYPE) {
      fail(D_GIF_ERR_WRONG_RECORD);
    }
    int code = 0;
    GifByteType* block = nullptr;  // First byte: length.
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) {
      fail(gif->Error);
    }
    while (block != nullptr) {
      GraphicsControlBlock control{};
      if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
        transparent = control.TransparentColor;
      }
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) {
        fail(gif->Error);
      }
    }
  }
}

struct Rows {
  int first;
  int step;
};
constexpr std::array<Rows, 4> kInterlaced{{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
constexpr std::array<Rows, 1> kProgressive{{{0, 1}}};

void draw_frame(GifFileType* gif, int transparent, Image& canvas, const Deadline& deadline) {
  const GifImageDesc& frame = gif->Image;
  const ColorMapObject* colours = frame.ColorMap != nullptr ? frame.ColorMap : gif->SColorMap;
  if (colours == nullptr) {
    fail(D_GIF_ERR_NO_COLOR_MAP);
  }
  std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
  for (const Rows& rows : frame.Interlace ? std::span<const Rows>(kInterlaced) : std::span<const Rows>(kProgressive)) {
    for (int y = rows.first; y < frame.Height; y += rows.step) {
      deadline.check();
      if (DGifGetLine(gif, line.data(), frame.Width) == GIF_ERROR) {
        fail(gif->Error);
      }
      auto* row = canvas.row(frame.Top + y);
      for (int x = 0; x < frame.Width; ++x) {
        const int index = line[static_cast<std::size_t>(x)];
        if (index == transparent || index >= colours->ColorCount) {
          continue;
        }
        std::uint8_t* pixel = row + 3 * static_cast<std::size_t>(frame.Left + x);
        pixel[0] = colours->Colors[index].Red;
        pixel[1] = colours->Colors[index].Green;
        pixel[2] = colours->Colors[index].Blue;
      }
    }
  }
}

class GifReader : public ImageReader {
 public:
  explicit GifReader(Bytes bytes);
  Image decode(const Deadline& deadline) override;

 private:
  Source source_;
  Gif gif_;
  int transparent_ = NO_TRANSPARENT_COLOR;
};

GifReader::GifReader(Bytes bytes) : source_{bytes} {
  int error = D_GIF_SUCCEEDED;
  gif_.reset(DGifOpen(&source_, on_read, &error));
  if (gif_ == nullptr) {
    fail(error);
  }
  transparent_ = find_first_frame(gif_.get());
  // The screen, made larger where the frame leaves it, as browsers do: screens of 0x0 and 1x1 exist. giflib gives up to
  // 65,535 each, never negative.
  const GifImageDesc& frame = gif_->Image;
  if (frame.Width == 0 || frame.Height == 0) {
    throw Failure(Status::corrupt, "the GIF file is damaged: its first frame has no pixels");
  }
  header_.format = ImageFormat::gif;
  header_.stored_size = {std::max(gif_->SWidth, frame.Left + frame.Width),
                         std::max(gif_->SHeight, frame.Top + frame.Height)};
  constexpr std::uint64_t kTables = 64U << 10U;
  header_.decode_bytes = kTables + static_cast<std::uint64_t>(frame.Width) + 3 * pixels_of(header_.stored_size);
}

Image GifReader::decode(const Deadline& deadline) {
  Image rgb(header_.stored_size);
  std::fill_n(rgb.row(0), 3 * pixels_of(rgb.size()), std::uint8_t{255});
  draw_frame(gif_.get(), transparent_, rgb, deadline);
  return rgb;
}

}  // namespace

std::unique_ptr<ImageReader> open_gif(Bytes bytes) { return std::make_unique<GifReader>(bytes); }

}  // namespace catdog::core
