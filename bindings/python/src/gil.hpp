// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cxxabi.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace catdog::python {

// Takes the GIL back. CPython ends threads that ask for it while the interpreter shuts down by unwinding their stack,
// which would run destructors that need the GIL: such a thread waits for the end of the process here instead.
inline void restore_thread(PyThreadState* state) {
  try {
    PyEval_RestoreThread(state);
  } catch (abi::__forced_unwind&) {
    for (;;) pause();
  }
}

// Runs `work` without the GIL. It must not touch Python objects; what it throws arrives with the GIL held.
template <typename Work>
auto without_gil(Work&& work) {
  using Value = std::invoke_result_t<Work>;
  std::exception_ptr failure;
  PyThreadState* state = PyEval_SaveThread();
  if constexpr (std::is_void_v<Value>) {
    try {
      std::forward<Work>(work)();
    } catch (...) {
      failure = std::current_exception();
    }
    restore_thread(state);
    if (failure) std::rethrow_exception(failure);
  } else {
    std::optional<Value> value;
    try {
      value.emplace(std::forward<Work>(work)());
    } catch (...) {
      failure = std::current_exception();
    }
    restore_thread(state);
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
  }
}

}  // namespace catdog::python
