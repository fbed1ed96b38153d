// SPDX-License-Identifier: Apache-2.0
#include "classifier.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>

#include "errors.hpp"
#include "gil.hpp"

namespace py = pybind11;

namespace catdog::python {
namespace {

std::atomic<unsigned> generation{0};

int as_int(std::int64_t value) noexcept {  // What doesn't fit is out of every range as well.
  return static_cast<int>(
      std::clamp<std::int64_t>(value, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

// A Python callable that any thread may hold, call and drop.
std::shared_ptr<PyObject> share(const py::object& object) {
  return {object.inc_ref().ptr(), [](PyObject* held) {
            if (Py_IsInitialized() == 0) return;
            const PyGILState_STATE state = PyGILState_Ensure();
            Py_DECREF(held);
            PyGILState_Release(state);
          }};
}

Options::LogFunction log_function(const py::object& callable) {
  return [shared = share(callable)](catdog_log_level level, std::string_view message) {
    if (Py_IsInitialized() == 0) return;
    const PyGILState_STATE state = PyGILState_Ensure();
    PyObject* text = PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "backslashreplace");
    PyObject* answer = text != nullptr ? PyObject_CallFunction(shared.get(), "iO", level, text) : nullptr;
    if (answer == nullptr) PyErr_WriteUnraisable(shared.get());  // To sys.unraisablehook: a log message fails no call.
    Py_XDECREF(answer);
    Py_XDECREF(text);
    PyGILState_Release(state);
  };
}

Options options_of(const Settings& settings) {
  Options options;
  options.threads(as_int(settings.threads))
      .self_test(settings.self_test)
      .engine(settings.engine)
      .precision(settings.precision)
      .expected_sha256(settings.expected_sha256)
      .trusted_key(settings.trusted_key)
      .signature(settings.signature)
      .torch_plugin(settings.torch_plugin);
  if (settings.max_encoded_bytes) options.max_encoded_bytes(*settings.max_encoded_bytes);
  if (settings.max_pixels) options.max_pixels(*settings.max_pixels);
  if (settings.max_side) options.max_side(*settings.max_side);
  if (settings.max_scans) options.max_scans(*settings.max_scans);
  if (settings.max_decode_bytes) options.max_decode_bytes(*settings.max_decode_bytes);
  if (settings.timeout_ms) options.timeout_ms(*settings.timeout_ms);
  if (settings.abstain_below) options.abstain_below(*settings.abstain_below);
  if (settings.neither_above) options.neither_above(*settings.neither_above);
  if (settings.min_precision) options.min_precision(*settings.min_precision);
  if (!settings.log.is_none()) options.log(settings.log_level, log_function(settings.log));
  return options;
}

}  // namespace

unsigned fork_generation() noexcept { return generation.load(std::memory_order_relaxed); }

void watch_forks() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] {
    generation.fetch_add(1, std::memory_order_relaxed);
    running_calls = 0;
  });
  if (registered != 0) throw py::import_error("no memory for pthread_atfork()");
}

void refuse_after_fork(unsigned generation) {
  if (generation == fork_generation()) return;
  throw BindingError(BindingError::Kind::forked, CATDOG_ERROR_INVALID_ARGUMENT,
                     "this classifier was opened before a fork, whose child has none of its threads; open one in the "
                     "child (with multiprocessing: in the initializer), or start processes by 'spawn'");
}

Core::Core(const Settings& settings) : generation_(fork_generation()) {
  const bool in_memory = settings.data.has_value();
  const std::string_view bytes = in_memory ? std::string_view(*settings.data) : std::string_view();
  Options options = options_of(settings);
  limits_ = {options.max_encoded_bytes(), options.max_pixels(), options.max_side()};
  classifier_ = without_gil([&] {
    const Options mine = std::move(options);  // Dropped without the GIL, which the log function's end asks for.
    if (in_memory) return std::make_shared<const Classifier>(Classifier::open_memory(bytes, mine));
    if (settings.path) return std::make_shared<const Classifier>(Classifier::open(*settings.path, mine));
    return std::make_shared<const Classifier>(Classifier::open(mine));
  });
  labels_ = py::tuple(py::cast(classifier_->labels()));
}

std::shared_ptr<const Classifier> Core::in_use() const {
  if (!classifier_) {
    throw BindingError(BindingError::Kind::closed, CATDOG_ERROR_INVALID_ARGUMENT,
                       "the classifier is closed; open another one");
  }
  refuse_after_fork(generation_);
  return classifier_;
}

void Core::close() {
  if (auto last = std::exchange(classifier_, nullptr)) without_gil([&] { last.reset(); });
}

void Core::warm_up(std::int64_t threads) const {
  auto classifier = in_use();
  without_gil([&] {
    const auto mine = std::move(classifier);
    mine->warm_up(as_int(threads));
  });
}

}  // namespace catdog::python
