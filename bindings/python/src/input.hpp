// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <catdog/catdog.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace catdog::python {

// The limits that the bindings must know before they copy anything.
struct Limits {
  std::int64_t max_encoded_bytes = 0;
  std::int64_t max_pixels = 0;
  std::int64_t max_side = 0;
};

// One image as Python gave it. Made and destroyed with the GIL, used without. Contiguous pixels and `bytes` are
// borrowed; other strides are copied row by row, and so is encoded data that somebody could change while it is parsed.
class Input {
 public:
  // Throws BindingError for what isn't an image.
  Input(pybind11::handle object, bool bgr, const Limits& limits);

  // Without the GIL. The stream borrows from this object until it has given the result.
  Result classify(const Classifier& classifier);
  Explanation explain(const Classifier& classifier, int label);
  void add_to(Stream& stream);

 private:
  struct Release {
    void operator()(Py_buffer* view) const noexcept {
      PyBuffer_Release(view);
      delete view;
    }
  };

  void set_path(pybind11::handle object);
  void set_buffer(pybind11::handle object, bool bgr, const Limits& limits);
  void set_encoded(const Limits& limits);
  void set_pixels(bool bgr, const Limits& limits);
  bool borrow_pixels(bool bgr) noexcept;
  bool is_path() const noexcept { return !path_.empty(); }
  Image image();  // Copies what has to be copied.

  pybind11::object owner_;  // Of immutable bytes.
  std::unique_ptr<Py_buffer, Release> view_;
  std::string path_;
  catdog_format format_ = CATDOG_FORMAT_ENCODED;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::array<Py_ssize_t, 3> shape_{};    // Rows, columns, channels; or bytes, 1, 1.
  std::array<Py_ssize_t, 3> strides_{};  // In bytes, of any sign.
  std::uint64_t row_stride_ = 0;
  bool copy_ = false;  // The bytes are still to be gathered by shape_ and strides_.
  std::vector<std::uint8_t> owned_;
};

}  // namespace catdog::python
