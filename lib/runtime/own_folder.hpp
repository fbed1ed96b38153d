// SPDX-License-Identifier: Apache-2.0
// Where this code lies on disk: the only place that may be trusted for files that belong to it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace catdog::core {

// Absolute path of the file that the code at `address` was loaded from: libcatdog.so, or the program that links the
// library statically. Empty when the kernel doesn't say. Neither the working directory, argv[0] nor PATH matters.
std::filesystem::path file_of_code(const void* address);

// Where a file that is installed together with the code at `address` may lie, in order: beside it, in the folder
// "catdog" beside it, in ../lib, then the bare name, which dlopen() looks up along the loader's search path. Only that
// last one isn't absolute.
std::vector<std::string> companion_libraries(const void* address, const std::string& file_name);

}  // namespace catdog::core
