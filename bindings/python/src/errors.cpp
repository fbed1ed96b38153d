// SPDX-License-Identifier: Apache-2.0
#include "errors.hpp"

#include <pybind11/pybind11.h>

#include <exception>

namespace py = pybind11;

namespace catdog::python {
namespace {

const char* class_kind(const Error& error) {
  if (const auto* own = dynamic_cast<const BindingError*>(&error)) {
    switch (own->kind()) {
      case BindingError::Kind::type: return "type";
      case BindingError::Kind::closed: return "closed";
      case BindingError::Kind::forked: return "forked";
      case BindingError::Kind::status: break;
    }
  }
  return "status";
}

void raise(const Error& error) {
  // Paths in messages need not be UTF-8.
  const std::string message = error.what();
  const auto text = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "backslashreplace"));
  if (!text) return;
  try {
    const py::object made =
        py::module_::import("catdog._errors").attr("make_error")(error.status(), text, class_kind(error));
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
  } catch (py::error_already_set& failure) {
    failure.restore();
  }
}

}  // namespace

BindingError wrong_type(const std::string& message) {
  return {BindingError::Kind::type, CATDOG_ERROR_INVALID_ARGUMENT, message};
}

BindingError wrong_value(const std::string& message) {
  return {BindingError::Kind::status, CATDOG_ERROR_INVALID_ARGUMENT, message};
}

void register_errors() {
  py::register_local_exception_translator(
      [](std::exception_ptr pointer) {  // NOLINT(performance-unnecessary-value-param): pybind11 calls it so.
        if (!pointer) return;
        try {
          std::rethrow_exception(pointer);
        } catch (const Error& error) {
          raise(error);
        }
      });
}

}  // namespace catdog::python
