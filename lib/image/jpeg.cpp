// SPDX-License-Identifier: Apache-2.0
// libjpeg-turbo through the libjpeg API: scaled decode, and judgement of damage by the rows that are lost.
#include "image/jpeg.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

// After <cstdio>, which it relies on.
#include <jerror.h>
#include <jpeglib.h>

#include "image/exif.hpp"
#include "image/jpeg_markers.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

// A truncated image is used from this share of its rows on.
constexpr int kNeededPercent = 95;
constexpr std::string_view kBadArithmeticCode = "Corrupt JPEG data: bad arithmetic code";

struct Decoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  Jump jump;
  const Deadline* deadline = nullptr;
  bool ran_out = false;              // The file ended before the image did.
  unsigned lost_rows = 0;            // Of iMCU rows, as far as known.
  unsigned last_damaged_row = ~0U;   // So that a row counts once.
  bool needed_data_missing = false;  // Fewer than kNeededPercent of the rows are there.

  Decoder();
  ~Decoder() { jpeg_destroy_decompress(&info); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
};

Decoder& decoder_of(j_common_ptr info) { return *static_cast<Decoder*>(info->client_data); }

[[noreturn]] void on_error(j_common_ptr info) {
  Decoder& decoder = decoder_of(info);
  std::array<char, JMSG_LENGTH_MAX> text{};
  info->err->format_message(info, text.data());
  std::copy_n(text.begin(), std::min(text.size(), decoder.jump.message.size()) - 1, decoder.jump.message.begin());
  std::longjmp(decoder.jump.target, 1);  // NOLINT(cert-err52-cpp)
}

// Whether the scan that is being read has what no image can do without: anything but the refinements of a progressive
// file and the finer detail of its colours.
bool scan_is_needed(const jpeg_decompress_struct& info) {
  if (!info.progressive_mode || (info.Ss == 0 && info.Ah == 0)) {
    return true;
  }
  return info.Ss == 1 && info.Ah == 0 && info.cur_comp_info[0] == info.comp_info;
}

// Entropy-coded data that is missing or senseless: without restart markers the rest of the scan is lost.
void on_damage(Decoder& decoder) {
  const jpeg_decompress_struct& info = decoder.info;
  if (info.total_iMCU_rows == 0 || !scan_is_needed(info)) {
    return;
  }
  const unsigned row = std::min(info.input_iMCU_row, info.total_iMCU_rows);
  const unsigned row_height = static_cast<unsigned>(info.max_v_samp_factor) * DCTSIZE;
  const bool confined = info.restart_interval != 0 && !decoder.ran_out;
  if (!confined) {
    // Pixels, not iMCU rows: the last of these is often cut short by the image's edge.
    const std::uint64_t rows_there = std::uint64_t{row} * row_height;
    decoder.needed_data_missing |= rows_there * 100 < std::uint64_t{info.image_height} * kNeededPercent;
  } else if (row != decoder.last_damaged_row) {
    decoder.last_damaged_row = row;
    ++decoder.lost_rows;
    decoder.needed_data_missing |=
        std::uint64_t{decoder.lost_rows} * row_height * 100 > std::uint64_t{info.image_height} * (100 - kNeededPercent);
  }
  if (decoder.needed_data_missing) {
    decoder.jump.message.fill('\0');
    std::longjmp(decoder.jump.target, 1);  // NOLINT(cert-err52-cpp)
  }
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0 || !info->is_decompressor) {
    return;
  }
  ++info->err->num_warnings;
  Decoder& decoder = decoder_of(info);
  const bool arithmetic = decoder.info.arith_code != 0;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
      decoder.ran_out = true;
      if (arithmetic) on_damage(decoder);  // That decoder says nothing else when its data ends.
      break;
    case JWRN_HIT_MARKER:
      decoder.ran_out |= decoder.info.unread_marker == JPEG_EOI;
      on_damage(decoder);
      break;
    case JWRN_HUFF_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION: on_damage(decoder); break;
    default:
      // Its number depends on how libjpeg was built. Anything else (bytes between segments, unknown application data)
      // leaves the image whole.
      if (arithmetic && std::string_view(info->err->jpeg_message_table[info->err->msg_code]) == kBadArithmeticCode) {
        on_damage(decoder);
      }
      break;
  }
}

void on_output(j_common_ptr /*info*/) {}

// Called for each row, and for each row of blocks of each scan while jpeg_start_decompress() reads many.
void on_progress(j_common_ptr info) {
  Decoder& decoder = decoder_of(info);
  if (decoder.deadline != nullptr && decoder.deadline->passed()) {
    std::longjmp(decoder.jump.target, 1);  // NOLINT(cert-err52-cpp)
  }
}

Decoder::Decoder() {
  info.err = jpeg_std_error(&errors);
  info.client_data = this;
  errors.error_exit = on_error;
  errors.emit_message = on_message;
  errors.output_message = on_output;
}

// jpeg_create_decompress() clears what it doesn't know.
void watch_progress(Decoder& decoder) {
  decoder.progress.progress_monitor = on_progress;
  decoder.info.progress = &decoder.progress;
}

[[noreturn]] void fail(const Decoder& decoder) {
  if (decoder.deadline != nullptr) decoder.deadline->check();
  if (decoder.needed_data_missing) {
    throw Failure(Status::corrupt, "the JPEG file is truncated or damaged: fewer than " +
                                       std::to_string(kNeededPercent) + " % of its rows are there");
  }
  const std::string reason(decoder.jump.message.data());
  const jpeg_decompress_struct& info = decoder.info;
  bool unsupported = false;
  switch (decoder.errors.msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE: throw Failure(Status::out_of_memory, "no memory for the JPEG file: " + reason);
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
      throw Failure(Status::limit, "the image has " + std::to_string(info.image_width) + "x" +
                                       std::to_string(info.image_height) +
                                       " pixels, more than libjpeg reads: " + reason + "; make it smaller");
    // What a sound file may ask for and libjpeg doesn't do.
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_MCU_SIZE:  // More samples in an MCU than the standard allows, but some programs write it.
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED: unsupported = true; break;
    case JERR_EMPTY_IMAGE:  // The height may follow the first scan, in a DNL segment.
      unsupported = info.image_height == 0 && info.image_width != 0 && info.num_components != 0;
      break;
    case JERR_UNKNOWN_MARKER: {  // DHP and EXP of hierarchical files; JPEG-LS and later parts of the standard.
      const int marker = decoder.errors.msg_parm.i[0];
      unsupported = marker == 0xDE || marker == 0xDF || (marker >= 0xF0 && marker <= 0xFD);
      break;
    }
    // libjpeg was used in a way that it doesn't allow.
    case JERR_BAD_ALIGN_TYPE:
    case JERR_BAD_ALLOC_CHUNK:
    case JERR_BAD_BUFFER_MODE:
    case JERR_BAD_LIB_VERSION:
    case JERR_BAD_POOL_ID:
    case JERR_BAD_STATE:
    case JERR_BAD_STRUCT_SIZE:
    case JERR_BAD_VIRTUAL_ACCESS:
    case JERR_BUFFER_SIZE:
    case JERR_MODE_CHANGE:
    case JERR_VIRTUAL_BUG: throw Failure(Status::internal, "libjpeg failed: " + reason);
    default: break;
  }
  if (unsupported) {
    throw Failure(Status::unsupported, "a kind of JPEG file that isn't read: " + reason +
                                           "; save it as an 8-bit baseline or progressive JPEG");
  }
  throw Failure(Status::corrupt, "the JPEG file is damaged: " + reason);
}

// Largest of 1, 2, 4, 8 that keeps both sides at or above at_least; 1 where that asks for nothing.
unsigned scale_denominator(const jpeg_decompress_struct& info, Size at_least, Orientation orientation) {
  if (orientation >= 5) {
    std::swap(at_least.width, at_least.height);
  }
  if (at_least.width <= 0 || at_least.height <= 0) {
    return 1;
  }
  for (const unsigned denominator : {8U, 4U, 2U}) {
    if ((info.image_width + denominator - 1) / denominator >= static_cast<unsigned>(at_least.width) &&
        (info.image_height + denominator - 1) / denominator >= static_cast<unsigned>(at_least.height)) {
      return denominator;
    }
  }
  return 1;
}

// Coefficients of all components: kept for the whole image when there is more than one scan, whatever the scale.
std::uint64_t coefficient_bytes(const jpeg_decompress_struct& info) {
  const auto blocks = [](unsigned count, int factor) {  // Rounded up to whole MCUs.
    const auto step = static_cast<unsigned>(factor);
    return std::uint64_t{(count + step - 1) / step * step};
  };
  std::uint64_t bytes = 0;
  for (int c = 0; c < info.num_components; ++c) {
    const jpeg_component_info& component = info.comp_info[c];
    bytes += blocks(component.width_in_blocks, component.h_samp_factor) *
             blocks(component.height_in_blocks, component.v_samp_factor) * sizeof(JBLOCK);
  }
  return bytes;
}

// Rows between the steps of decoding: those of one MCU with their neighbours, and those that are brought to one size.
std::uint64_t row_bytes(const jpeg_decompress_struct& info) {
  const auto most_rows = static_cast<std::uint64_t>(info.max_v_samp_factor);
  std::uint64_t bytes = std::uint64_t{info.output_width} * 4;  // CMYK.
  for (int c = 0; c < info.num_components; ++c) {
    const jpeg_component_info& component = info.comp_info[c];
    const auto scaled = static_cast<std::uint64_t>(component.DCT_scaled_size);
    const auto rows = static_cast<std::uint64_t>(component.v_samp_factor) * scaled;
    bytes += component.width_in_blocks * scaled * rows * 3 + most_rows * (info.output_width + 64ULL);
  }
  return bytes;
}

std::uint64_t decode_bytes(jpeg_decompress_struct& info) {
  constexpr std::uint64_t kTables = 64U << 10U;
  return kTables + row_bytes(info) + (jpeg_has_multiple_scans(&info) != 0 ? coefficient_bytes(info) : 0) +
         std::uint64_t{info.output_width} * info.output_height * 3;
}

class JpegReader : public ImageReader {
 public:
  JpegReader(Bytes bytes, Size at_least, const ImageLimits& limits);
  Image decode(const Deadline& deadline) override;

 private:
  void read_rows(Image& rgb, std::uint8_t* cmyk);
  void check_components();

  Decoder decoder_;
};

void JpegReader::read_rows(Image& rgb, std::uint8_t* cmyk) {
  jpeg_decompress_struct& info = decoder_.info;
  while (info.output_scanline < info.output_height) {
    auto* row = rgb.row(static_cast<int>(info.output_scanline));
    JSAMPROW target = cmyk != nullptr ? cmyk : row;
    if (jpeg_read_scanlines(&info, &target, 1) != 1) {
      continue;
    }
    if (cmyk != nullptr) {  // Inverted as Adobe stores it; that is what every file without its marker does too.
      for (std::size_t x = 0; x < info.output_width; ++x) {
        for (std::size_t c = 0; c < 3; ++c) {
          row[3 * x + c] = static_cast<std::uint8_t>((cmyk[4 * x + c] * cmyk[4 * x + 3] + 127) / 255);
        }
      }
    }
  }
}

// A file that ended between two scans: is there at least each component's coarse part?
void JpegReader::check_components() {
  const jpeg_decompress_struct& info = decoder_.info;
  if (!decoder_.ran_out) {
    return;
  }
  for (int c = 0; c < info.num_components; ++c) {
    const bool seen = info.comp_info[c].quant_table != nullptr;
    const bool coarse = info.coef_bits == nullptr || info.coef_bits[c][0] >= 0;
    decoder_.needed_data_missing |= !seen || !coarse;
  }
  decoder_.needed_data_missing |= info.coef_bits != nullptr && info.coef_bits[0][1] < 0;
}

JpegReader::JpegReader(Bytes bytes, Size at_least, const ImageLimits& limits) {
  jpeg_decompress_struct& info = decoder_.info;
  if (!run_guarded(decoder_.jump, [&] {
        jpeg_create_decompress(&info);
        watch_progress(decoder_);
        jpeg_mem_src(&info, bytes.data(), static_cast<unsigned long>(bytes.size()));
        jpeg_read_header(&info, TRUE);
      })) {
    fail(decoder_);
  }
  check_size(info.image_width, info.image_height, limits);  // Before a walk over the whole file.
  const JpegMarkers markers = read_jpeg_markers(bytes, jpeg_has_multiple_scans(&info) != 0);
  if (markers.scans > limits.max_scans) {
    throw Failure(Status::limit, "the JPEG file has " + std::to_string(markers.scans) +
                                     " scans, more than the limit of " + std::to_string(limits.max_scans) +
                                     "; save it anew or raise max_scans");
  }
  // A table that is cut short would fail a progressive file whose earlier scans are enough.
  info.src->bytes_in_buffer -= std::min(info.src->bytes_in_buffer, bytes.size() - markers.usable);
  header_.format = ImageFormat::jpeg;
  header_.stored_size = {static_cast<int>(info.image_width), static_cast<int>(info.image_height)};
  header_.orientation = exif_orientation(markers.exif);
  const bool is_cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = scale_denominator(info, at_least, header_.orientation);
  if (!run_guarded(decoder_.jump, [&] { jpeg_calc_output_dimensions(&info); })) {
    fail(decoder_);
  }
  header_.decode_bytes = decode_bytes(info);
}

Image JpegReader::decode(const Deadline& deadline) {
  jpeg_decompress_struct& info = decoder_.info;
  decoder_.deadline = &deadline;
  if (!run_guarded(decoder_.jump, [&] { jpeg_start_decompress(&info); })) {
    fail(decoder_);
  }
  Image rgb(Size{static_cast<int>(info.output_width), static_cast<int>(info.output_height)});
  std::vector<std::uint8_t> cmyk(info.out_color_space == JCS_CMYK ? std::size_t{info.output_width} * 4 : 0);
  if (!run_guarded(decoder_.jump, [&] { read_rows(rgb, cmyk.empty() ? nullptr : cmyk.data()); })) {
    fail(decoder_);
  }
  check_components();
  if (decoder_.needed_data_missing) {
    fail(decoder_);
  }
  return rgb;  // What follows the last row doesn't matter: jpeg_finish_decompress() isn't called.
}

}  // namespace

std::unique_ptr<ImageReader> open_jpeg(Bytes bytes, Size at_least, const ImageLimits& limits) {
  return std::make_unique<JpegReader>(bytes, at_least, limits);
}

}  // namespace catdog::core
