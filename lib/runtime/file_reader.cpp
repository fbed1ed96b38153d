// SPDX-License-Identifier: Apache-2.0
#include "runtime/file_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "status.hpp"

namespace catdog::core {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& path, const char* what, int error) {
  const std::string subject = std::string(what) + " file " + path;
  if (error == ENOENT || error == ENOTDIR) throw Failure(Status::not_found, "no such " + subject);
  throw Failure(Status::io, "can't read the " + subject + ": " + std::generic_category().message(error));
}

[[noreturn]] void too_large(const std::string& path, const char* what, std::uint64_t max_bytes, const char* option) {
  std::string problem =
      std::string("the ") + what + " file " + path + " has more bytes than the limit of " + std::to_string(max_bytes);
  if (option != nullptr) problem += std::string("; make it smaller or raise ") + option;
  throw Failure(Status::limit, problem);
}

}  // namespace

std::vector<std::uint8_t> read_file(const std::string& path, std::uint64_t max_bytes, const char* what,
                                    const char* limit_option) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail(path, what, errno);
  struct stat info {};
  if (fstat(file.get(), &info) != 0) fail(path, what, errno);
  if (S_ISDIR(info.st_mode)) fail(path, what, EISDIR);
  const auto size = S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
  if (size > max_bytes) too_large(path, what, max_bytes, limit_option);

  // One byte more than the file has: the read that finds the end then needs no second round.
  constexpr std::uint64_t least_step = 65536;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size > 0 ? size + 1 : least_step));
  std::size_t used = 0;
  while (true) {
    const ssize_t got = read(file.get(), bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, what, errno);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > max_bytes) too_large(path, what, max_bytes, limit_option);
    if (used == bytes.size()) bytes.resize(bytes.size() + std::max<std::size_t>(bytes.size(), least_step));
  }
  bytes.resize(used);
  return bytes;
}

}  // namespace catdog::core
