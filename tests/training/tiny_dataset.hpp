// SPDX-License-Identifier: Apache-2.0
// A data set that a small network can learn in seconds: "cat" is stripes across, "dog" is stripes down.
#pragma once

#include <filesystem>
#include <string>

#include "options.hpp"

namespace catdog::tests {

// A folder of its own below the system's temporary folder, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// <root>/cat/cat.N.png and <root>/dog/dog.N.png, 40×36, N < per_class.
void write_stripes(const std::filesystem::path& root, int per_class);

// <root>/plain/plain.N.png, 40×36, N < count: noise without stripes.
void write_plain(const std::filesystem::path& root, int count);

// A layer list with convolution, batch-norm, dropout and linear layers, written to <root>/tiny.json.
std::filesystem::path write_tiny_architecture(const std::filesystem::path& root, int outputs = 2);

// Data, architecture and an empty output folder for tiny_options(), which it returns.
training::TrainOptions prepare_tiny_run(const std::filesystem::path& root);

// Options that train that network on that data in a second or two.
training::TrainOptions tiny_options(const std::filesystem::path& root);

}  // namespace catdog::tests
