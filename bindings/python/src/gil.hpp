// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cxxabi.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

namespace catdog::python {

// Calls that run without the GIL. A forked child has none: watch_forks().
inline std::atomic<int> running_calls{0};

// For the end of the interpreter, which daemon threads outlive: exit() destroys the static variables of oneDNN, and a
// call that runs then crashes. A call that takes longer than ten seconds is left to its luck.
inline void await_running_calls() {
  using namespace std::chrono_literals;
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (running_calls > 0 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
}

// Takes the GIL back. CPython ends threads that ask for it while the interpreter shuts down by unwinding their stack,
// which would run destructors that need the GIL: such a thread waits for the end of the process here instead.
inline void restore_thread(PyThreadState* state) {
  --running_calls;
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
  ++running_calls;
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
