// SPDX-License-Identifier: Apache-2.0
// Format version 2: the tensors that the TorchScript part stores anyway are the native engine's weights.
#include "model/stored_weights.hpp"

#include <algorithm>
#include <bit>

#include "model/json_reader.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

static_assert(std::endian::native == std::endian::little, "entries are little-endian and read as they are");

constexpr std::uint64_t max_values = (std::uint64_t{1} << 30U) / sizeof(float);

[[noreturn]] void fail(const std::string& name, const std::string& problem) {
  json_reader::fail("catdog.json: weights." + name, problem);
}

std::uint64_t count_of(const std::string& name, const StoredTensor& tensor) {
  std::uint64_t count = 1;
  for (const std::int64_t side : tensor.shape) {
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(side), &count) || count > max_values) {
      fail(name, "has more than 268435456 values");
    }
  }
  return count;
}

float from_bf16(std::uint16_t half) { return std::bit_cast<float>(std::uint32_t{half} << 16U); }

template <typename Value>
std::span<std::uint8_t> bytes_of(std::span<Value> values) {
  return {reinterpret_cast<std::uint8_t*>(values.data()), values.size_bytes()};
}

}  // namespace

// The multiplication moves the exponent from the bias of 15 to that of 127, and is exact for subnormal numbers, too.
float from_fp16(std::uint16_t half) noexcept {
  constexpr std::uint32_t exponent = 0x7F800000;
  const std::uint32_t magnitude = (half & 0x7FFFU) << 13U;
  const auto scaled = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F);
  const bool finite = (half & 0x7C00U) != 0x7C00U;
  return std::bit_cast<float>((half & 0x8000U) << 16U | (finite ? scaled : magnitude | exponent));
}

LoadedWeights read_stored_weights(const Archive& archive,
                                  const std::map<std::string, StoredTensor, std::less<>>& stored) {
  std::uint64_t total = 0;
  for (const auto& [name, tensor] : stored) {
    total += count_of(name, tensor);
    if (total > max_values) fail(name, "brings the weights above 1 GiB");
  }
  auto values = std::make_shared<std::vector<float>>(total);
  LoadedWeights loaded;
  std::vector<std::uint16_t> half;
  std::span<float> rest(*values);
  for (const auto& [name, tensor] : stored) {
    const auto out = rest.first(count_of(name, tensor));
    rest = rest.subspan(out.size());
    if (tensor.type == StoredType::f32) {
      archive.read_into(tensor.entry, bytes_of(out));
    } else {
      half.resize(out.size());
      archive.read_into(tensor.entry, bytes_of(std::span(half)));
      std::transform(half.begin(), half.end(), out.begin(), tensor.type == StoredType::bf16 ? from_bf16 : from_fp16);
    }
    loaded.views.emplace(name, TensorView{tensor.shape, out});
  }
  loaded.memory = std::move(values);
  return loaded;
}

}  // namespace catdog::core
