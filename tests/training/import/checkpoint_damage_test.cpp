// SPDX-License-Identifier: Apache-2.0
// Checkpoints that are damaged or mean harm: each is refused with the reason, nothing in them runs.
#include <gtest/gtest.h>

#include <functional>

#include "lib/model/failure_matcher.hpp"
#include "lib/runtime/temporary_folder.hpp"
#include "torch_io/checkpoint.hpp"
#include "training/import/pickle_writer.hpp"
#include "training/import/simple_cnn.hpp"

namespace catdog {
namespace {

using core::Status;
using test_support::Bytes;
using test_support::expect_failure;
using test_support::Pickle;

void expect_refused(const Bytes& bytes, const std::string& reason) {
  expect_failure(Status::model_format, reason, [&] { torch_io::read_checkpoint(bytes); });
}

std::string repeated(const std::string& part, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += part;
  return result;
}

struct HostileCase {
  std::string name;
  Pickle pickle;
  std::string reason;
};

// A failing test, and ctest, name the case instead of listing its bytes.
void PrintTo(const HostileCase& each, std::ostream* out) { *out << each.name; }

Pickle weight() { return Pickle().dict().text("w"); }

std::vector<HostileCase> hostile_cases() {
  const std::int64_t billion = 1'000'000'000;
  return {
      {"storage_too_small", weight().tensor({3, 3}, {3, 1}).set(), "beyond its storage data/0"},
      {"offset_beyond_the_storage", weight().tensor({1}, {1}, 8).set(), "beyond its storage data/0"},
      {"negative_offset", weight().tensor({1}, {1}, -1).set(), "damaged"},
      {"negative_stride", weight().tensor({2}, {-1}, 4).set(), "stride is out of range"},
      {"negative_size", weight().tensor({-2}, {1}).set(), "size or stride is out of range"},
      {"huge_size", weight().tensor({std::int64_t{1} << 62}, {0}).set(), "out of range"},
      {"huge_product", weight().tensor({billion, billion}, {0, 0}).set(), "too large"},
      {"huge_strides", weight().tensor({2, 2}, {billion, billion}).set(), "beyond its storage"},
      {"zero_strides_again_and_again",
       [&] {
         Pickle p;
         p.dict();
         for (int i = 0; i < 3; ++i) p.text("w" + std::to_string(i)).tensor({20'000'000}, {0}).set();
         return p.text("big").tensor({billion - 1}, {0}).set();
       }(),
       "too large"},
      {"too_many_dimensions", weight().tensor(std::vector<std::int64_t>(9, 1), std::vector<std::int64_t>(9, 1)).set(),
       "shape is damaged"},
      {"fewer_strides_than_sizes", weight().tensor({2, 2}, {1}).set(), "strides"},
      {"missing_storage", weight().tensor({1}, {1}, 0, "FloatStorage", "nowhere").set(), "data/nowhere is missing"},
      {"path_as_storage_key", weight().tensor({1}, {1}, 0, "FloatStorage", "../../etc/passwd").set(), "is missing"},
      {"one_storage_of_two_types", weight().tensor({1}, {1}).set().text("v").tensor({1}, {1}, 0, "DoubleStorage").set(),
       "two types"},
      {"no_tensors", Pickle().dict().text("epoch").number(3).set(), "no tensors found"},
      {"state_dict_that_is_a_number", Pickle().dict().text("model_state_dict").number(3).set(), "is not a dictionary"},
      {"a_whole_model", Pickle().global("__main__", "SimpleCNN").raw(")\x81}b"), "save the model's state_dict()"},
      {"a_list", Pickle().raw("]"), "not a dictionary"},
      {"empty_stack", Pickle().raw("0"), "stack is empty"},
      {"no_mark", Pickle().raw("}u"), "no mark"},
      {"odd_dictionary", Pickle().raw("}(Nu"), "odd dictionary"},
      {"unknown_memo", Pickle().raw("h\x05"), "unknown memo"},
      {"text_beyond_the_end", Pickle().raw("X\xff\xff\xff\x7f"), "truncated"},
      {"global_without_an_end", Pickle().raw("cos\nsystem"), "truncated"},
      {"opcode_of_another_kind", Pickle().raw("i"), "opcode"},
      {"protocol_of_the_future", Pickle().raw("\x80\x09"), "protocol 9"},
      {"persistent_id_that_is_none", Pickle().raw("NQ"), "persistent id"},
      {"deep_tuples", Pickle().raw("N" + repeated("\x85", 1'000'000)), "not a dictionary"},
      {"deep_dictionaries", Pickle().raw(repeated("}N", 500'000) + "N" + repeated("s", 500'000)), "no tensors found"},
      {"list_in_itself",
       Pickle().raw("]q\x01h\x01"
                    "a"),
       "not a dictionary"},
      {"dictionary_in_itself", Pickle().raw("}q\x01").text("model_state_dict").raw("h\x01s"), "no tensors found"},
      {"too_many_values", Pickle().raw(repeated("N", 4'000'100)), "too many values"},
      {"too_many_copies", Pickle().raw("N" + repeated("2", 4'000'100)), "too many values"},
      {"big_endian", weight().tensor({1}, {1}).set().entry("byteorder", "big"), "little-endian"},
  };
}

class HostileCheckpoint : public testing::TestWithParam<HostileCase> {};

TEST_P(HostileCheckpoint, IsRefusedWithTheReason) { expect_refused(GetParam().pickle.archive(), GetParam().reason); }

INSTANTIATE_TEST_SUITE_P(All, HostileCheckpoint, testing::ValuesIn(hostile_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(HostileCode, NothingThatThePickleCallsIsRun) {
  const test_support::TemporaryFolder folder;
  const std::string marker = (folder.path / "ran").string();
  const std::string command = "touch " + marker;
  for (const char* module : {"os", "posix", "subprocess", "__builtin__"}) {
    const std::string name = std::string(module) == "__builtin__" ? "eval" : "system";
    const auto attack = [&](Pickle pickle) { return pickle.global(module, name).raw("(").text(command).raw("tR"); };
    // As the checkpoint itself, and beside weights that are sound.
    expect_refused(attack(Pickle()).archive(), "not a dictionary");
    const auto state = torch_io::read_checkpoint(
        attack(Pickle().dict().text("w").tensor({1}, {1}).set().text("epoch")).raw("s").archive());
    EXPECT_EQ(state.size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(marker)) << module;
  }
}

TEST(HostileCode, ATensorLargerThanItsUnfoldedStorageIsRefused) {
  // 64 MB of zeros in a few KB are within the limits; one value more than that isn't there.
  Pickle pickle = Pickle().storage("z", at::zeros({16'000'000})).dict().text("w");
  pickle.tensor({16'000'001}, {1}, 0, "FloatStorage", "z").set();
  expect_refused(pickle.archive(true), "beyond its storage data/z");
}

TEST(DamagedCheckpoint, OtherFilesAreRefusedAndSayWhy) {
  const auto bytes_of = [](const std::string& text) { return Bytes(text.begin(), text.end()); };
  expect_refused({}, "not a zip archive");
  expect_refused(bytes_of("\x89PNG\r\n\x1a\n and so on"), "not a zip archive");
  expect_refused(bytes_of("\x80\x02\x8a\nl\xfc\x9c"), "saved again with torch 1.6");  // torch.save before 1.6.
  expect_refused(test_support::make_model_archive(), "no data.pkl");
}

TEST(DamagedCheckpoint, TheFileIsNamed) {
  const test_support::TemporaryFolder folder;
  folder.write("broken.pt", "PK\3\4 and then nothing");
  const auto path = folder.path / "broken.pt";
  expect_failure(Status::model_format, path.string(), [&] { torch_io::read_checkpoint(path); });
  expect_failure(Status::model_format, "damaged or cut short", [&] { torch_io::read_checkpoint(path); });
}

TEST(DamagedCheckpoint, EveryCutIsRefused) {
  const Bytes whole = test_support::read_bytes(test_support::checkpoint_path("torch113.pt"));
  ASSERT_FALSE(whole.empty());
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    expect_refused(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)), "zip archive");
  }
}

// In the zip's own fields and in the pickle's checksummed bytes: an error or the same weights, never anything else.
TEST(DamagedCheckpoint, AFlippedByteNeverChangesAWeight) {
  const Bytes whole = test_support::read_bytes(test_support::checkpoint_path("torch213.pt"));
  const auto sound = torch_io::read_checkpoint(whole);
  std::size_t refused = 0;
  for (std::size_t at = 0; at < whole.size(); at += 31) {
    Bytes damaged = whole;
    damaged[at] ^= static_cast<std::uint8_t>(1U << at % 8);
    try {
      for (const auto& [name, tensor] : torch_io::read_checkpoint(damaged)) {
        ASSERT_TRUE(sound.contains(name)) << at;
        ASSERT_TRUE(at::equal(tensor, sound.at(name))) << at << " " << name;
      }
    } catch (const core::Failure& failure) {
      EXPECT_EQ(failure.status(), Status::model_format) << at;
      EXPECT_STRNE(failure.what(), "") << at;
      ++refused;
    }
  }
  EXPECT_GT(refused, 50U);
}

// The checksums made right again: what arrives at the pickle reader is arbitrary.
TEST(DamagedCheckpoint, AnyPickleEndsInWeightsOrAFailure) {
  std::string sound =
      Pickle().dict().text("a").tensor({2, 3}, {3, 1}).set().text("b").tensor({4}, {1}, 2).set().opcodes();
  std::size_t refused = 0;
  std::size_t read = 0;
  std::uint32_t random = 1;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = sound;
    for (int i = 0; i < 1 + round % 3; ++i) {
      random = random * 1664525U + 1013904223U;
      damaged[(random >> 8U) % damaged.size()] = static_cast<char>(random >> 24U);
    }
    try {
      for (const auto& [name, tensor] : torch_io::read_checkpoint(Pickle().raw(damaged).archive())) {
        ASSERT_TRUE(tensor.is_contiguous());
        ASSERT_EQ(tensor.scalar_type(), at::kFloat);
        ASSERT_EQ(tensor.ne(tensor).sum().item<std::int64_t>(), 0);  // Reads every value: a bad view shows up.
      }
      ++read;
    } catch (const core::Failure& failure) {
      ASSERT_EQ(failure.status(), Status::model_format);
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_GT(read, 10U);
}

}  // namespace
}  // namespace catdog
