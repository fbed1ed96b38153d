// SPDX-License-Identifier: Apache-2.0
// The safetensors format: 8 bytes little-endian header length, JSON header, tensor data without holes.
#include "model/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "model/json_reader.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

static_assert(std::endian::native == std::endian::little, "weights are read in place as little-endian float32");

using json_reader::Json;

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t max_header_bytes = 16U << 20U;
constexpr std::size_t max_tensors = 100'000;
constexpr std::size_t max_name_bytes = 256;
constexpr std::size_t max_dims = 8;
constexpr const char* file_name = "weights.safetensors";

[[noreturn]] void fail(const std::string& problem) { json_reader::fail(file_name, problem); }

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

std::vector<std::int64_t> read_shape(const Json& tensor, const std::string& where) {
  std::vector<std::int64_t> shape;
  const Json& sides =
      json_reader::as_array(json_reader::require(tensor, "shape", where), 0, max_dims, where + ".shape");
  for (const Json& side : sides) shape.push_back(json_reader::as_integer(side, 0, INT64_MAX, where + ".shape"));
  return shape;
}

Range read_range(const Json& tensor, const std::vector<std::int64_t>& shape, std::uint64_t data_bytes,
                 const std::string& where) {
  const std::string field = where + ".data_offsets";
  const Json& offsets = json_reader::as_array(json_reader::require(tensor, "data_offsets", where), 2, 2, field);
  const auto last = static_cast<std::int64_t>(data_bytes);
  const auto begin = static_cast<std::uint64_t>(json_reader::as_integer(offsets[0], 0, last, field));
  const auto end = static_cast<std::uint64_t>(json_reader::as_integer(offsets[1], 0, last, field));
  if (begin > end) json_reader::fail(field, "end before begin");
  if (begin % sizeof(float) != 0) json_reader::fail(field, "begin must be a multiple of 4");
  std::uint64_t size = sizeof(float);
  bool overflow = false;
  for (const std::int64_t side : shape) {
    overflow |= __builtin_mul_overflow(size, static_cast<std::uint64_t>(side), &size);
  }
  if (overflow || size != end - begin) json_reader::fail(field, "does not match the shape");
  return {begin, end};
}

}  // namespace

WeightMap parse_safetensors(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < length_bytes) fail("is shorter than its 8-byte header length");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), length_bytes);
  if (header_bytes > bytes.size() - length_bytes) fail("the header is longer than the file");
  if (header_bytes > max_header_bytes) fail("the header is above 16 MiB");
  const auto data = bytes.subspan(length_bytes + header_bytes);
  if (reinterpret_cast<std::uintptr_t>(data.data()) % alignof(float) != 0) {
    fail("the data is not aligned for float32: pad the header with spaces to a multiple of 8");
  }
  const Json header = json_reader::parse(
      {reinterpret_cast<const char*>(bytes.data()) + length_bytes, static_cast<std::size_t>(header_bytes)}, file_name);
  json_reader::as_object(header, file_name);
  if (header.size() > max_tensors) fail("has more than 100,000 tensors");

  WeightMap tensors;
  std::vector<Range> ranges;
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;
    if (name.empty() || name.size() > max_name_bytes) fail("tensor names must have 1 to 256 bytes");
    const std::string where = std::string(file_name) + ": " + name;
    json_reader::as_object(tensor, where);
    const std::string type = json_reader::text(tensor, "dtype", 1, 16, where);
    if (type != "F32") json_reader::fail(where + ".dtype", "must be F32, not " + type);
    std::vector<std::int64_t> shape = read_shape(tensor, where);
    const Range range = read_range(tensor, shape, data.size(), where);
    ranges.push_back(range);
    const auto values = data.subspan(range.begin, range.end - range.begin);
    tensors.emplace(name, TensorView{std::move(shape),
                                     {reinterpret_cast<const float*>(values.data()), values.size() / sizeof(float)}});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  std::uint64_t end = 0;
  for (const Range& range : ranges) {
    if (range.begin < end) fail("tensors overlap");
    if (range.begin > end) fail("there is a hole between tensors");
    end = range.end;
  }
  if (end != data.size()) fail("there are bytes after the last tensor");
  return tensors;
}

std::vector<std::uint8_t> write_safetensors(const std::vector<NamedTensor>& tensors) {
  Json header = Json::object();
  std::uint64_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    std::uint64_t count = 1;
    for (const std::int64_t side : tensor.shape) count *= static_cast<std::uint64_t>(side);
    if (count != tensor.values.size()) {
      throw Failure(Status::invalid_argument, "write_safetensors: " + tensor.name + " has another size than its shape");
    }
    const std::uint64_t end = offset + tensor.values.size_bytes();
    if (!header.emplace(tensor.name, Json{{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}})
             .second) {
      throw Failure(Status::invalid_argument, "write_safetensors: " + tensor.name + " occurs twice");
    }
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_bytes = text.size();
  std::vector<std::uint8_t> file(length_bytes + text.size() + offset);
  std::memcpy(file.data(), &header_bytes, length_bytes);
  std::memcpy(file.data() + length_bytes, text.data(), text.size());
  std::uint8_t* out = file.data() + length_bytes + text.size();
  for (const NamedTensor& tensor : tensors) {
    if (!tensor.values.empty()) std::memcpy(out, tensor.values.data(), tensor.values.size_bytes());
    out += tensor.values.size_bytes();
  }
  return file;
}

}  // namespace catdog::core
