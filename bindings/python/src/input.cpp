// SPDX-License-Identifier: Apache-2.0
// What Python calls an image, and how to get at its bytes.
#include "input.hpp"

#include <string_view>

#include "errors.hpp"

namespace py = pybind11;

namespace catdog::python {
namespace {

constexpr const char* kAccepted =
    "; accepted are: a path (str or os.PathLike), the bytes of a JPEG, PNG, WebP or GIF file, a uint8 array of shape "
    "(height, width), (height, width, 3) or (height, width, 4), a PIL image";

std::string type_name(py::handle object) {
  const py::object type = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(Py_TYPE(object.ptr())));
  const auto name = py::str(type.attr("__qualname__")).cast<std::string>();
  const auto module = py::str(type.attr("__module__")).cast<std::string>();
  return module == "builtins" ? name : module + "." + name;
}

// The message of the Python exception that is set, which it clears.
std::string take_python_message() {
  const py::error_already_set error;
  return py::str(error.value()).cast<std::string>();
}

std::string shape_text(const Py_buffer& view) {
  std::string text = "(";
  for (int i = 0; i < view.ndim; ++i) text += (i > 0 ? ", " : "") + std::to_string(view.shape[i]);
  return text + (view.ndim == 1 ? ",)" : ")");
}

std::string element_text(std::string_view format) {
  if (format.find('O') != std::string_view::npos) return "Python objects";
  if (format == "?") return "bool";
  if (format == "b") return "int8";
  if (format == "H" || format == "h") return "16-bit integers";
  if (format == "e") return "float16";
  if (format == "f") return "float32";
  if (format == "d") return "float64";
  return "format '" + std::string(format) + "'";
}

}  // namespace

Input::Input(py::handle object, bool bgr, const Limits& limits) {
  if (PyBytes_Check(object.ptr())) {
    owner_ = py::reinterpret_borrow<py::object>(object);
    data_ = reinterpret_cast<const std::uint8_t*>(PyBytes_AS_STRING(object.ptr()));
    size_ = static_cast<std::size_t>(PyBytes_GET_SIZE(object.ptr()));
  } else if (PyUnicode_Check(object.ptr()) || py::hasattr(object, "__fspath__")) {
    set_path(object);
  } else if (PyObject_CheckBuffer(object.ptr())) {
    set_buffer(object, bgr, limits);
  } else {
    throw wrong_type("not an image: " + type_name(object) + kAccepted);
  }
}

void Input::set_path(py::handle object) {
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(object.ptr(), &encoded) == 0) {
    if (PyErr_ExceptionMatches(PyExc_ValueError) == 0 && PyErr_ExceptionMatches(PyExc_TypeError) == 0) {
      throw py::error_already_set();
    }
    throw wrong_value("a path that no file can have: " + take_python_message());
  }
  const auto bytes = py::reinterpret_steal<py::bytes>(encoded);
  path_ = static_cast<std::string>(bytes);
  if (path_.empty()) throw wrong_value("the path is empty");
}

void Input::set_buffer(py::handle object, bool bgr, const Limits& limits) {
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object.ptr(), view.get(), PyBUF_RECORDS_RO) != 0) {
    if (PyErr_ExceptionMatches(PyExc_Exception) == 0) throw py::error_already_set();
    const std::string reason = take_python_message();
    throw wrong_type("no pixels can be read from this " + type_name(object) + " (" + reason + ")" + kAccepted);
  }
  view_.reset(view.release());
  if (view_->ndim < 1 || view_->ndim > 3) {
    throw wrong_value("an array of shape " + shape_text(*view_) + " is not one image" + kAccepted +
                      "; for an array of several images use classify_batch");
  }
  const std::string_view format = view_->format != nullptr ? view_->format : "B";
  const bool bytes_like = view_->ndim == 1 && (format == "b" || format == "c");
  if (view_->itemsize != 1 || (format != "B" && !bytes_like)) {
    throw wrong_type("an array of " + element_text(format) + " is not an image: it must be uint8, 0 to 255" +
                     kAccepted);
  }
  for (int i = 0; i < view_->ndim; ++i) {
    shape_[static_cast<std::size_t>(i)] = view_->shape[i];
    strides_[static_cast<std::size_t>(i)] = view_->strides[i];
  }
  data_ = static_cast<const std::uint8_t*>(view_->buf);
  if (view_->ndim == 1) {
    set_encoded(limits);
  } else {
    set_pixels(bgr, limits);
  }
}

void Input::set_encoded(const Limits& limits) {
  size_ = static_cast<std::size_t>(shape_[0]);
  shape_[1] = shape_[2] = 1;
  // A memoryview of bytes is as good as the bytes.
  const bool immutable = view_->obj != nullptr && PyMemoryView_Check(view_->obj) != 0 &&
                         PyMemoryView_GET_BASE(view_->obj) != nullptr &&
                         PyBytes_Check(PyMemoryView_GET_BASE(view_->obj));
  if (shape_[0] > limits.max_encoded_bytes) {
    throw BindingError(BindingError::Kind::status, CATDOG_ERROR_LIMIT,
                       "the image has " + std::to_string(shape_[0]) + " bytes, more than the limit of " +
                           std::to_string(limits.max_encoded_bytes) + "; raise max_encoded_bytes if you trust it");
  }
  copy_ = !immutable || (strides_[0] != 1 && shape_[0] > 1);
}

void Input::set_pixels(bool bgr, const Limits& limits) {
  if (view_->ndim == 2) {
    shape_[2] = strides_[2] = 1;
  }
  const auto [height, width, channels] = shape_;
  if (width == 0 || height == 0 || channels == 0) {
    throw wrong_value("an empty array, of shape " + shape_text(*view_) + ", is not an image");
  }
  if (channels != 1 && channels != 3 && channels != 4) {
    const bool planar = view_->ndim == 3 && (height == 1 || height == 3 || height == 4);
    throw wrong_value("an array of shape " + shape_text(*view_) +
                      " is not an image: the last of three sizes is the channels, 1, 3 or 4" +
                      (planar ? "; move the channels there with array.transpose(1, 2, 0)" : kAccepted));
  }
  if (width > limits.max_side || height > limits.max_side || width > limits.max_pixels / height) {
    throw BindingError(BindingError::Kind::status, CATDOG_ERROR_LIMIT,
                       "the image has " + std::to_string(width) + "x" + std::to_string(height) +
                           " pixels, more than the limits max_side of " + std::to_string(limits.max_side) +
                           " and max_pixels of " + std::to_string(limits.max_pixels) +
                           " allow; shrink it, or raise them");
  }
  if (!borrow_pixels(bgr)) {
    copy_ = true;
    row_stride_ = 0;
    size_ = static_cast<std::size_t>(height * width * channels);
    if (channels == 1) {
      format_ = CATDOG_FORMAT_GRAY8;
    } else if (channels == 3) {
      format_ = bgr ? CATDOG_FORMAT_BGR8 : CATDOG_FORMAT_RGB8;
    } else {
      format_ = bgr ? CATDOG_FORMAT_BGRA8 : CATDOG_FORMAT_RGBA8;
    }
  }
}

// Whether the library can read the rows where they are. So it can with cv2's frames turned to RGB by [..., ::-1].
bool Input::borrow_pixels(bool bgr) noexcept {
  const auto [height, width, channels] = shape_;
  const bool reversed = channels == 3 && strides_[2] == -1;
  if (channels > 1 && strides_[2] != 1 && !reversed) return false;
  if (width > 1 && strides_[1] != channels) return false;
  if (height > 1 && strides_[0] < width * channels) return false;
  row_stride_ = height > 1 ? static_cast<std::uint64_t>(strides_[0]) : 0;
  size_ = static_cast<std::size_t>((height > 1 ? (height - 1) * strides_[0] : 0) + width * channels);
  if (reversed) data_ -= 2;
  if (channels == 1) {
    format_ = CATDOG_FORMAT_GRAY8;
  } else if (channels == 3) {
    format_ = bgr != reversed ? CATDOG_FORMAT_BGR8 : CATDOG_FORMAT_RGB8;
  } else {
    format_ = bgr ? CATDOG_FORMAT_BGRA8 : CATDOG_FORMAT_RGBA8;
  }
  return true;
}

}  // namespace catdog::python
