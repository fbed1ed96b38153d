// SPDX-License-Identifier: Apache-2.0
#include "model/archive.hpp"

#include <zip.h>

#include <memory>

#include "status.hpp"

namespace catdog::core {
namespace {

constexpr zip_int64_t max_entries = 100'000;
constexpr std::uint64_t max_deflate_ratio = 1032;  // Deflate can't do better, so a larger claim is a lie.

[[noreturn]] void fail(const std::string& problem) { throw Failure(Status::model_format, problem); }

struct EntryCloser {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

// Checked before anything of the claimed size is allocated.
void check_sizes(const std::string& name, const zip_stat_t& stat, std::uint64_t archive_bytes,
                 std::uint64_t max_bytes) {
  constexpr zip_uint64_t needed =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if ((stat.valid & needed) != needed) fail("model archive: " + name + " has no size");
  if (stat.encryption_method != ZIP_EM_NONE) fail("model archive: " + name + " is encrypted");
  if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
    fail("model archive: " + name + " is neither stored nor deflated");
  }
  if (stat.size > max_bytes) {
    fail("model archive: " + name + " has " + std::to_string(stat.size) + " bytes, more than the limit of " +
         std::to_string(max_bytes));
  }
  const std::uint64_t ratio = stat.comp_method == ZIP_CM_STORE ? 1 : max_deflate_ratio;
  if (stat.comp_size > archive_bytes || stat.size > (stat.comp_size + 1) * ratio) {
    fail("model archive: " + name + " claims a size that it can't have");
  }
}

}  // namespace

Archive::Archive(std::span<const std::uint8_t> bytes) : archive_bytes_(bytes.size()) {
  if (bytes.empty()) fail("not a model file (no zip archive)");  // libzip takes it for an archive without entries.
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source != nullptr) {
    zip_ = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (zip_ == nullptr) zip_source_free(source);
  }
  const bool out_of_memory = zip_error_code_zip(&error) == ZIP_ER_MEMORY;
  zip_error_fini(&error);
  if (zip_ == nullptr && out_of_memory) throw std::bad_alloc();
  if (zip_ == nullptr) fail("not a model file (no zip archive)");
  try {
    list_entries();
  } catch (...) {
    zip_discard(zip_);
    throw;
  }
}

Archive::~Archive() { zip_discard(zip_); }

void Archive::list_entries() {
  const zip_int64_t count = zip_get_num_entries(zip_, 0);
  if (count > max_entries) fail("model archive: more than 100,000 entries");
  std::string top;
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* raw = zip_get_name(zip_, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    const std::string name = raw == nullptr ? "" : raw;
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || slash == 0) fail("model archive: an entry is in no folder");
    if (i == 0) top = name.substr(0, slash);
    if (name.compare(0, slash, top) != 0) fail("model archive: more than one top-level folder");
    if (!entries_.emplace(name.substr(slash + 1), static_cast<std::uint64_t>(i)).second) {
      fail("model archive: an entry name occurs twice: " + name);
    }
  }
}

std::vector<std::string> Archive::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& [name, index] : entries_) names.push_back(name);
  return names;
}

std::optional<std::vector<std::uint8_t>> Archive::read(const std::string& name, std::uint64_t max_bytes) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  std::vector<std::uint8_t> bytes(size_of(name, found->second, max_bytes));
  copy_entry(name, found->second, bytes);
  return bytes;
}

void Archive::read_into(const std::string& name, std::span<std::uint8_t> out) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail("model archive: " + name + " is missing");
  const std::uint64_t size = size_of(name, found->second, UINT64_MAX);
  if (size != out.size()) {
    fail("model archive: " + name + " has " + std::to_string(size) + " bytes instead of " + std::to_string(out.size()));
  }
  copy_entry(name, found->second, out);
}

std::uint64_t Archive::size_of(const std::string& name, std::uint64_t index, std::uint64_t max_bytes) const {
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(zip_, index, 0, &stat) != 0) fail("model archive: " + name + " can't be read");
  check_sizes(name, stat, archive_bytes_, max_bytes);
  return stat.size;
}

void Archive::copy_entry(const std::string& name, std::uint64_t index, std::span<std::uint8_t> out) const {
  const std::unique_ptr<zip_file_t, EntryCloser> file(zip_fopen_index(zip_, index, 0));
  if (!file) fail("model archive: " + name + " can't be read: " + zip_strerror(zip_));
  std::size_t have = 0;
  while (have < out.size()) {
    const zip_int64_t got = zip_fread(file.get(), out.data() + have, out.size() - have);
    if (got < 0) fail("model archive: " + name + " is damaged: " + zip_file_strerror(file.get()));
    if (got == 0) fail("model archive: " + name + " is shorter than it claims");
    have += static_cast<std::size_t>(got);
  }
  // The checksum is compared when the end is seen.
  char beyond = 0;
  const zip_int64_t rest = zip_fread(file.get(), &beyond, 1);
  if (rest < 0) fail("model archive: " + name + " is damaged: " + zip_file_strerror(file.get()));
  if (rest > 0) fail("model archive: " + name + " is longer than it claims");
}

}  // namespace catdog::core
