// SPDX-License-Identifier: Apache-2.0
// The half of Input that runs without the GIL: nothing here touches Python.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "input.hpp"

namespace catdog::python {
namespace {

class File {
 public:
  explicit File(const std::string& path) noexcept : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

Result Input::classify(const Classifier& classifier) {
  return is_path() ? classifier.classify_file(path_) : classifier.classify(image());
}

bool Input::read_file(const Limits& limits) {
  struct stat facts {};
  // Before open(), which would wait at a FIFO.
  if (stat(path_.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return false;
  if (facts.st_size <= 0 || facts.st_size > limits.max_encoded_bytes) return false;
  const File file(path_);
  if (file.get() < 0) return false;
  owned_.resize(static_cast<std::size_t>(facts.st_size));
  std::size_t have = 0;
  while (have < owned_.size()) {
    const ssize_t got = read(file.get(), owned_.data() + have, owned_.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  if (have != owned_.size()) return false;
  data_ = owned_.data();
  size_ = owned_.size();
  return true;
}

Image Input::image() {
  if (copy_) {
    owned_.resize(size_);
    const auto [rows, columns, channels] = shape_;
    std::uint8_t* to = owned_.data();
    for (Py_ssize_t y = 0; y < rows; ++y) {
      const std::uint8_t* row = data_ + y * strides_[0];
      if ((channels == 1 || strides_[2] == 1) && (columns == 1 || strides_[1] == channels)) {
        const auto length = static_cast<std::size_t>(columns * channels);
        std::memcpy(to, row, length);
        to += length;
        continue;
      }
      for (Py_ssize_t x = 0; x < columns; ++x) {
        for (Py_ssize_t c = 0; c < channels; ++c) *to++ = row[x * strides_[1] + c * strides_[2]];
      }
    }
    data_ = owned_.data();
    copy_ = false;
  }
  // An empty buffer may have no address, which the library would take for a missing argument.
  if (format_ == CATDOG_FORMAT_ENCODED) return Image::encoded(size_ > 0 ? Bytes(data_, size_) : Bytes("", 0));
  // Sides are within max_side, at most 65535: see set_pixels().
  const auto height = static_cast<std::int32_t>(shape_[0]);
  const auto width = static_cast<std::int32_t>(shape_[1]);
  return Image::pixels(format_, Bytes(data_, size_), width, height, row_stride_);
}

}  // namespace catdog::python
