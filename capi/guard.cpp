// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

#include <cstring>

namespace catdog::capi {
namespace {

// Plain data without a destructor: safe to read while a thread or the program ends.
thread_local char last_error[1024] = "";

}  // namespace

void set_last_error(const char* message) noexcept {
  std::size_t length = std::strlen(message);
  if (length >= sizeof last_error) {
    length = sizeof last_error - 1;
    // Not in the middle of a UTF-8 sequence: its later bytes are 10xxxxxx.
    while (length > 0 && (static_cast<unsigned char>(message[length]) & 0xC0U) == 0x80U) --length;
  }
  std::memmove(last_error, message, length);
  last_error[length] = '\0';
}

catdog_status translate_current_exception() noexcept {
  try {
    throw;
  } catch (const core::Failure& failure) {
    set_last_error(failure.what());
    return static_cast<catdog_status>(failure.status());
  } catch (const std::bad_alloc&) {
    set_last_error("out of memory");
    return CATDOG_ERROR_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    set_last_error(error.what());
    return CATDOG_ERROR_INTERNAL;
  } catch (...) {
    set_last_error("an exception of an unknown type: please report it");
    return CATDOG_ERROR_INTERNAL;
  }
}

}  // namespace catdog::capi

const char* catdog_last_error() { return catdog::capi::last_error; }
