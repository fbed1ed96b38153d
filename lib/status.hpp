// SPDX-License-Identifier: Apache-2.0
// How failures travel inside the library: a Failure carries the status that the C ABI returns and the message behind
// it.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace catdog::core {

// The numbers of catdog_status in catdog.h; capi/ asserts that they agree.
enum class Status : std::int32_t {
  ok = 0,
  invalid_argument = 10,
  unknown_option = 11,
  not_found = 20,
  io = 21,
  unsupported = 30,
  corrupt = 31,
  limit = 32,
  model_format = 40,
  model_version = 41,
  model_checksum = 42,
  model_unsupported = 43,
  engine_unavailable = 50,
  engine_failed = 51,
  out_of_memory = 60,
  internal = 70,
};

// Name as in catdog_status_name(); "unknown" for any other number.
const char* status_name(Status status) noexcept;

// What is wrong and what to do about it, in one line without a final full stop being required.
class Failure : public std::runtime_error {
 public:
  Failure(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  Status status() const noexcept { return status_; }

 private:
  Status status_;
};

}  // namespace catdog::core
