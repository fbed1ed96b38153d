// SPDX-License-Identifier: Apache-2.0
// _catdog: what the package catdog is built on. Not for users: see catdog/_classifier.py.
#include <pybind11/pybind11.h>

#include "classifier.hpp"
#include "errors.hpp"
#include "gil.hpp"

namespace py = pybind11;
using catdog::python::Core;
using catdog::python::ImageExplanation;
using catdog::python::ImageStream;
using catdog::python::Settings;

PYBIND11_MODULE(_catdog, module) {
  module.doc() = "The extension under the package catdog.";
  catdog::python::register_errors();
  catdog::python::watch_forks();
  if (Py_AtExit(catdog::python::await_running_calls) != 0) throw py::import_error("Py_AtExit() has no room");

  module.def("version", [] { return catdog_version(); });
  module.def(
      "status_name", [](catdog_status status) { return catdog_status_name(status); }, py::arg("status"),
      py::pos_only());

  py::class_<Core>(module, "Core")
      .def(py::init([](const std::optional<py::bytes>& path, std::optional<py::bytes> data, std::int64_t threads,
                       bool self_test, std::optional<std::int64_t> max_encoded_bytes,
                       std::optional<std::int64_t> max_pixels, std::optional<std::int64_t> max_side,
                       std::optional<std::int64_t> max_scans, std::optional<std::int64_t> max_decode_bytes,
                       std::optional<std::int64_t> timeout_ms, std::optional<double> abstain_below,
                       std::optional<double> neither_above, std::optional<double> min_precision, std::string engine,
                       std::string precision, std::string expected_sha256, std::string trusted_key,
                       std::string signature, const py::bytes& torch_plugin, py::object log, int log_level) {
             Settings settings;
             if (path) settings.path = static_cast<std::string>(*path);
             settings.data = std::move(data);
             settings.threads = threads;
             settings.self_test = self_test;
             settings.max_encoded_bytes = max_encoded_bytes;
             settings.max_pixels = max_pixels;
             settings.max_side = max_side;
             settings.max_scans = max_scans;
             settings.max_decode_bytes = max_decode_bytes;
             settings.timeout_ms = timeout_ms;
             settings.abstain_below = abstain_below;
             settings.neither_above = neither_above;
             settings.min_precision = min_precision;
             settings.engine = std::move(engine);
             settings.precision = std::move(precision);
             settings.expected_sha256 = std::move(expected_sha256);
             settings.trusted_key = std::move(trusted_key);
             settings.signature = std::move(signature);
             settings.torch_plugin = static_cast<std::string>(torch_plugin);
             settings.log = std::move(log);
             settings.log_level = log_level;
             return std::make_unique<Core>(settings);
           }),
           py::kw_only(), py::arg("path"), py::arg("data"), py::arg("threads"), py::arg("self_test"),
           py::arg("max_encoded_bytes"), py::arg("max_pixels"), py::arg("max_side"), py::arg("max_scans"),
           py::arg("max_decode_bytes"), py::arg("timeout_ms"), py::arg("abstain_below"), py::arg("neither_above"),
           py::arg("min_precision"), py::arg("engine"), py::arg("precision"), py::arg("expected_sha256"),
           py::arg("trusted_key"), py::arg("signature"), py::arg("torch_plugin"), py::arg("log"), py::arg("log_level"))
      .def("classify", &Core::classify, py::arg("image"), py::arg("bgr"), py::pos_only())
      .def("explain", &Core::explain, py::arg("image"), py::arg("bgr"), py::arg("label"), py::pos_only())
      .def("stream", &Core::stream)
      .def("warm_up", &Core::warm_up, py::arg("threads"), py::pos_only())
      .def("close", &Core::close)
      .def("info", &Core::info, py::arg("key"), py::pos_only())
      .def("integer", &Core::integer, py::arg("key"), py::pos_only())
      .def_property_readonly("max_encoded_bytes", [](const Core& core) { return core.limits().max_encoded_bytes; })
      .def_property_readonly("max_side", [](const Core& core) { return core.limits().max_side; })
      .def_property_readonly("max_pixels", [](const Core& core) { return core.limits().max_pixels; })
      .def_property_readonly("closed", &Core::closed)
      .def_property_readonly("labels", &Core::labels);

  py::class_<ImageStream>(module, "ImageStream")
      .def("add", &ImageStream::add, py::arg("image"), py::arg("bgr"), py::pos_only())
      .def("take", &ImageStream::take)
      .def_property_readonly("room", &ImageStream::room)
      .def_property_readonly("ready", &ImageStream::ready);

  py::class_<ImageExplanation>(module, "Explanation")
      .def_property_readonly("raw", &ImageExplanation::raw)
      .def_property_readonly("label", &ImageExplanation::label)
      .def_property_readonly("map", &ImageExplanation::map)
      .def("draw", &ImageExplanation::draw, py::arg("width"), py::arg("height"), py::pos_only());

  module.attr("INFO_MODEL_NAME") = +CATDOG_INFO_MODEL_NAME;
  module.attr("INFO_MODEL_VERSION") = +CATDOG_INFO_MODEL_VERSION;
  module.attr("INFO_MODEL_SHA256") = +CATDOG_INFO_MODEL_SHA256;
  module.attr("INFO_MODEL_PATH") = +CATDOG_INFO_MODEL_PATH;
  module.attr("INFO_MODEL_JSON") = +CATDOG_INFO_MODEL_JSON;
  module.attr("INFO_ENGINE") = +CATDOG_INFO_ENGINE;
  module.attr("INFO_PRECISION") = +CATDOG_INFO_PRECISION;
  module.attr("INFO_INPUT_WIDTH") = +CATDOG_INFO_INPUT_WIDTH;
  module.attr("INFO_INPUT_HEIGHT") = +CATDOG_INFO_INPUT_HEIGHT;
  module.attr("INFO_THREADS") = +CATDOG_INFO_THREADS;
}
