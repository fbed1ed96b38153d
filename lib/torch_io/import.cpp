// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "status.hpp"
#include "torch_io/checkpoint.hpp"
#include "torch_io/import_abi.h"
#include "torch_io/model_writer.hpp"

using catdog::core::Failure;
using catdog::core::Status;

int catdog_torch_import_v1(const char* checkpoint_path, const char* catdog_json_template, const char* output_path,
                           char* error, size_t error_size) {
  const auto report = [&](Status status, const char* message) {
    if (error != nullptr && error_size > 0) std::snprintf(error, error_size, "%s", message);
    return static_cast<int>(status);
  };
  if (checkpoint_path == nullptr || catdog_json_template == nullptr || output_path == nullptr) {
    return report(Status::invalid_argument, "checkpoint path, catdog.json and output path must be given");
  }
  try {
    const auto state = catdog::torch_io::read_checkpoint(std::filesystem::path(checkpoint_path));
    try {
      catdog::torch_io::write_model_file(output_path, catdog_json_template, state);
    } catch (const Failure& failure) {
      throw Failure(failure.status(), std::string("import of ") + checkpoint_path + ": " + failure.what());
    }
    return report(Status::ok, "");
  } catch (const Failure& failure) {
    return report(failure.status(), failure.what());
  } catch (const std::bad_alloc&) {
    return report(Status::out_of_memory, "out of memory");
  } catch (const c10::Error& failure) {
    return report(Status::engine_failed, failure.what_without_backtrace());
  } catch (const std::exception& failure) {
    return report(Status::internal, failure.what());
  } catch (...) {
    return report(Status::internal, "unknown error");
  }
}
