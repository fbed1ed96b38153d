// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catdog/catdog.hpp>
#include <string>

namespace catdog::python {

// A failure that the bindings find themselves. `kind` names the exception class where the status alone doesn't.
class BindingError : public Error {
 public:
  enum class Kind { status, type, closed, forked };
  BindingError(Kind kind, catdog_status status, const std::string& message) : Error(status, message), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

// Something that is not an image at all: also a TypeError in Python.
BindingError wrong_type(const std::string& message);
// An image in a shape or of a value that isn't accepted: also a ValueError.
BindingError wrong_value(const std::string& message);

// Makes the exceptions of this project Python's, see catdog/_errors.py.
void register_errors();

}  // namespace catdog::python
