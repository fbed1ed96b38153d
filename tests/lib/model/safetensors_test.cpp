// SPDX-License-Identifier: Apache-2.0
#include "model/safetensors.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "failure_matcher.hpp"

namespace catdog::core {
namespace {

using test_support::expect_failure;

std::vector<std::uint8_t> file_of(std::string header, std::size_t data_bytes) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::vector<std::uint8_t> bytes(8 + header.size() + data_bytes);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

TEST(Safetensors, RoundTrip) {
  const std::vector<float> weight{1, 2, 3, 4, 5, 6};
  const std::vector<float> bias{-1, 0.5F};
  const auto bytes = write_safetensors({{"fc.weight", {2, 3}, weight}, {"fc.bias", {2}, bias}, {"none", {0, 4}, {}}});
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  EXPECT_EQ(header % 8, 0U);
  const auto tensors = parse_safetensors(bytes);
  ASSERT_EQ(tensors.size(), 3U);
  EXPECT_THAT(tensors.at("fc.weight").shape, testing::ElementsAre(2, 3));
  EXPECT_THAT(tensors.at("fc.weight").values, testing::ElementsAreArray(weight));
  EXPECT_THAT(tensors.at("fc.bias").values, testing::ElementsAreArray(bias));
  EXPECT_TRUE(tensors.at("none").values.empty());
}

TEST(Safetensors, ReadsMetadataAndScalars) {
  const auto bytes =
      file_of(R"({"__metadata__": {"a": "b"}, "x": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}})", 4);
  const auto tensors = parse_safetensors(bytes);
  ASSERT_EQ(tensors.size(), 1U);
  EXPECT_EQ(tensors.at("x").values.size(), 1U);
}

TEST(Safetensors, WriterRefusesWrongSizesAndDuplicates) {
  const std::vector<float> two{1, 2};
  expect_failure(Status::invalid_argument, "another size", [&] { write_safetensors({{"a", {3}, two}}); });
  expect_failure(Status::invalid_argument, "occurs twice", [&] {
    write_safetensors({{"a", {2}, two}, {"a", {2}, two}});
  });
}

TEST(Safetensors, RefusesDamage) {
  const struct {
    const char* header;
    std::size_t data_bytes;
    const char* message;
  } cases[] = {
      {R"([])", 0, "must be an object"},
      {R"({"a": 1})", 0, "a: must be an object"},
      {R"({"a": {"shape": [1], "data_offsets": [0, 4]}})", 4, "dtype: is missing"},
      {R"({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}})", 4, "must be F32, not F16"},
      {R"({"a": {"dtype": "F32", "data_offsets": [0, 4]}})", 4, "shape: is missing"},
      {R"({"a": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}})", 4, "shape: must be an array"},
      {R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", 4, "shape: must be from 0"},
      {R"({"a": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}})", 4, "shape: must be a whole number"},
      {R"({"a": {"dtype": "F32", "shape": [1,1,1,1,1,1,1,1,1], "data_offsets": [0, 4]}})", 4, "from 0 to 8 items"},
      {R"({"a": {"dtype": "F32", "shape": [1]}})", 4, "data_offsets: is missing"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}})", 4, "from 2 to 2 items"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}})", 4, "data_offsets: must be from 0 to 4"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}})", 4, "data_offsets: must be from 0"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 18446744073709551615]}})", 4, "must be from 0 to 4"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})", 4, "end before begin"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [1, 5]}})", 8, "begin must be a multiple of 4"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", 4, "does not match the shape"},
      // 2^62 × 4 bytes × 1 wraps to 0.
      {R"({"a": {"dtype": "F32", "shape": [4611686018427387904], "data_offsets": [0, 0]}})", 0, "does not match"},
      {R"({"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}})", 0, "does not match"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}})",
       12, "tensors overlap"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})",
       4, "tensors overlap"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})", 8, "hole between tensors"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 8, "bytes after the last tensor"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})",
       4, "occurs twice"},
      {R"({"": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 4, "1 to 256 bytes"},
      {R"({"a": )", 0, "not valid JSON"},
      {"{\"\xFF\": 1}", 0, "not valid JSON"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.header);
    const auto bytes = file_of(each.header, each.data_bytes);
    expect_failure(Status::model_format, each.message, [&] { parse_safetensors(bytes); });
  }
  const std::string long_name(257, 'n');
  const auto named = file_of(R"({")" + long_name + R"(": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 4);
  expect_failure(Status::model_format, "1 to 256 bytes", [&] { parse_safetensors(named); });
  const auto deep = file_of(std::string(100'000, '['), 0);
  expect_failure(Status::model_format, "nested deeper", [&] { parse_safetensors(deep); });
}

TEST(Safetensors, RefusesHeaderLengths) {
  auto bytes = file_of(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 4);
  for (const std::uint64_t length : {std::uint64_t{1} << 20U, ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    std::memcpy(bytes.data(), &length, 8);
    expect_failure(Status::model_format, "header is longer than the file", [&] { parse_safetensors(bytes); });
  }
  expect_failure(Status::model_format, "shorter than", [&] { parse_safetensors({bytes.data(), 7}); });
  std::vector<std::uint8_t> huge((17U << 20U) + 8);
  const std::uint64_t length = huge.size() - 8;
  std::memcpy(huge.data(), &length, 8);
  expect_failure(Status::model_format, "above 16 MiB", [&] { parse_safetensors(huge); });
  std::vector<std::uint8_t> odd{3, 0, 0, 0, 0, 0, 0, 0, '{', '}', ' '};
  expect_failure(Status::model_format, "not aligned", [&] { parse_safetensors(odd); });
}

// Every prefix of a sound file is refused: its end is part of the format.
TEST(Safetensors, RefusesEveryTruncation) {
  const std::vector<float> values{1, 2, 3, 4};
  const auto bytes = write_safetensors({{"a", {2, 2}, values}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::uint8_t> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    expect_failure(Status::model_format, "weights.safetensors", [&] { parse_safetensors(part); });
  }
}

}  // namespace
}  // namespace catdog::core
