// SPDX-License-Identifier: Apache-2.0
// The half of Input that runs without the GIL: nothing here touches Python.
#include <cstring>

#include "input.hpp"

namespace catdog::python {
Result Input::classify(const Classifier& classifier) {
  return is_path() ? classifier.classify_file(path_) : classifier.classify(image());
}

Explanation Input::explain(const Classifier& classifier, int label) {
  return is_path() ? classifier.explain_file(path_, label) : classifier.explain(image(), label);
}

void Input::add_to(Stream& stream) {
  if (is_path()) {
    stream.add_file(path_);
  } else {
    stream.add(image());
  }
}

Image Input::image() {
  if (copy_) {
    owned_.resize(size_);
    const auto [rows, columns, channels] = shape_;
    std::uint8_t* to = owned_.data();
    for (Py_ssize_t y = 0; y < rows; ++y) {
      const std::uint8_t* row = data_ + y * strides_[0];
      if ((channels == 1 || strides_[2] == 1) && (columns == 1 || strides_[1] == channels)) {
        const auto length = static_cast<std::size_t>(columns * channels);
        std::memcpy(to, row, length);
        to += length;
        continue;
      }
      for (Py_ssize_t x = 0; x < columns; ++x) {
        for (Py_ssize_t c = 0; c < channels; ++c) *to++ = row[x * strides_[1] + c * strides_[2]];
      }
    }
    data_ = owned_.data();
    copy_ = false;
  }
  // An empty buffer may have no address, which the library would take for a missing argument.
  if (format_ == CATDOG_FORMAT_ENCODED) return Image::encoded(size_ > 0 ? Bytes(data_, size_) : Bytes("", 0));
  // Sides are within max_side, at most 65535: see set_pixels().
  const auto height = static_cast<std::int32_t>(shape_[0]);
  const auto width = static_cast<std::int32_t>(shape_[1]);
  return Image::pixels(format_, Bytes(data_, size_), width, height, row_stride_);
}

}  // namespace catdog::python
