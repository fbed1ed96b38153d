// SPDX-License-Identifier: Apache-2.0
// The border of the C ABI: no exception crosses it, and the caller's floating-point settings don't count inside.
#pragma once

#include <exception>
#include <new>
#include <string>

#include "catdog/catdog.h"
#include "runtime/float_environment.hpp"
#include "status.hpp"

namespace catdog::capi {

// Keeps a message for catdog_last_error() of this thread; cut at a character's end when it is too long.
void set_last_error(const char* message) noexcept;

// Turns the exception that is being handled into a status and keeps its message.
catdog_status translate_current_exception() noexcept;

template <typename Function>
catdog_status guard(Function function) noexcept {
  const core::DefaultFloatEnvironment floats;
  try {
    function();
    return CATDOG_OK;
  } catch (...) {
    return translate_current_exception();
  }
}

// The same for functions that make an object: *out is NULL on failure.
template <typename Handle, typename Function>
catdog_status create(Handle** out, Function make) noexcept {
  return guard([&] {
    if (out == nullptr) {
      throw core::Failure(core::Status::invalid_argument, "the output argument is NULL: pass the address of a pointer");
    }
    *out = nullptr;
    *out = make().release();
  });
}

// Throws invalid_argument that names the argument.
template <typename T>
T* require(T* argument, const char* name) {
  if (argument == nullptr) throw core::Failure(core::Status::invalid_argument, std::string(name) + " is NULL");
  return argument;
}

}  // namespace catdog::capi
