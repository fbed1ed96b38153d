// SPDX-License-Identifier: Apache-2.0
// The model archive: a zip that is read from memory, with nothing in it trusted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct zip;

namespace catdog::core {

class Archive {
 public:
  // `bytes` must outlive the archive. Throws Failure(model_format): not a zip, an entry name that occurs twice, more
  // than one top-level folder.
  explicit Archive(std::span<const std::uint8_t> bytes);
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  // `name` is below the top-level folder.
  bool contains(const std::string& name) const { return entries_.contains(name); }
  // The entry's bytes, checksum verified; nothing when there is none. Throws Failure(model_format) when it is above
  // `max_bytes`, damaged, encrypted or compressed other than by deflate.
  std::optional<std::vector<std::uint8_t>> read(const std::string& name, std::uint64_t max_bytes) const;
  // The same into memory of exactly the entry's size; an entry that is missing or of another size is a failure, too.
  void read_into(const std::string& name, std::span<std::uint8_t> out) const;
  std::vector<std::string> names() const;

 private:
  void list_entries();
  std::uint64_t size_of(const std::string& name, std::uint64_t index, std::uint64_t max_bytes) const;
  void copy_entry(const std::string& name, std::uint64_t index, std::span<std::uint8_t> out) const;

  std::uint64_t archive_bytes_ = 0;
  zip* zip_ = nullptr;
  std::map<std::string, std::uint64_t, std::less<>> entries_;  // Name below the top-level folder → index.
};

}  // namespace catdog::core
