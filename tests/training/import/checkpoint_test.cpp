// SPDX-License-Identifier: Apache-2.0
// Checkpoints that PyTorch wrote (tests/golden/checkpoints), read without Python.
#include "torch_io/checkpoint.hpp"

#include <gtest/gtest.h>

#include <set>

#include "lib/model/failure_matcher.hpp"
#include "lib/runtime/temporary_folder.hpp"
#include "training/import/pickle_writer.hpp"
#include "training/import/simple_cnn.hpp"

namespace catdog {
namespace {

using core::Status;
using test_support::expect_failure;
using test_support::Json;
using test_support::Pickle;

class StoredCheckpoint : public testing::TestWithParam<std::string> {
 protected:
  static std::string path() { return test_support::checkpoint_path(GetParam() + ".pt"); }
  static Json numbers() {
    return Json::parse(test_support::read_text(test_support::checkpoint_path(GetParam() + ".json")));
  }
};

TEST_P(StoredCheckpoint, GivesTheNamesOfTheModelAndNothingOfTheOptimizer) {
  std::set<std::string> expected;
  const auto names = numbers().at("names").get<std::vector<std::string>>();
  for (const std::string& name : names) {
    if (!name.ends_with("num_batches_tracked")) expected.insert(name);
  }
  std::set<std::string> found;
  for (const auto& [name, tensor] : torch_io::read_checkpoint(std::filesystem::path(path()))) {
    found.insert(name);
    EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
  }
  EXPECT_EQ(found, expected);
}

TEST_P(StoredCheckpoint, ImportedGivesTheLogitsOfPyTorchInBothEngines) {
  const Json stored = numbers();
  const test_support::TemporaryFolder folder;
  const auto file = folder.path / "model.pt";
  torch_io::write_model_file(file, test_support::config_for_numbers(stored).dump(),
                             torch_io::read_checkpoint(std::filesystem::path(path())));
  const auto model = core::ModelFile::from_file(file);
  ASSERT_EQ(stored.at("logits").size(), 8U);
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    const auto expected = stored.at("logits").at(seed - 1).get<std::vector<float>>();
    ASSERT_EQ(expected.size(), 2U);
    const auto native = test_support::native_logits(model, seed);
    const auto script = test_support::script_logits(file, model.config().input, seed);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(native[i], expected[i], 1e-4) << seed;
      EXPECT_NEAR(script[i], expected[i], 1e-4) << seed;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, StoredCheckpoint, testing::Values("torch113", "torch213"),
                         [](const auto& info) { return info.param; });

torch_io::StateDict read(const Pickle& pickle) { return torch_io::read_checkpoint(pickle.archive()); }

TEST(Checkpoint, ReadsABareStateDict) {
  const auto state = read(Pickle().dict().text("w").tensor({2, 3}, {3, 1}).set());
  ASSERT_EQ(state.size(), 1U);
  EXPECT_TRUE(at::equal(state.at("w"), at::tensor({0.F, 1.F, 2.F, 3.F, 4.F, 5.F}).view({2, 3})));
}

TEST(Checkpoint, ReadsTheOtherUsualKey) {
  EXPECT_TRUE(read(Pickle().dict().text("state_dict").dict().text("w").tensor({1}, {1}).set().set()).contains("w"));
}

TEST(Checkpoint, PrefersModelStateDict) {
  const auto state = read(Pickle()
                              .dict()
                              .text("state_dict")
                              .dict()
                              .text("wrong")
                              .tensor({1}, {1})
                              .set()
                              .set()
                              .text("model_state_dict")
                              .dict()
                              .text("right")
                              .tensor({1}, {1})
                              .set()
                              .set());
  EXPECT_TRUE(state.contains("right"));
  EXPECT_FALSE(state.contains("wrong"));
}

TEST(Checkpoint, TheLastOfEqualKeysCountsAsInPython) {
  const auto state = read(Pickle().dict().text("w").tensor({1}, {1}, 0).set().text("w").tensor({1}, {1}, 4).set());
  EXPECT_EQ(state.at("w").item<float>(), 4.F);
  const auto inner = read(Pickle()
                              .dict()
                              .text("state_dict")
                              .dict()
                              .text("first")
                              .tensor({1}, {1})
                              .set()
                              .set()
                              .text("state_dict")
                              .dict()
                              .text("last")
                              .tensor({1}, {1})
                              .set()
                              .set());
  EXPECT_TRUE(inner.contains("last"));
  EXPECT_FALSE(inner.contains("first"));
}

TEST(Checkpoint, DropsThePrefixOfDataParallelOnlyWhenAllHaveIt) {
  const auto both =
      read(Pickle().dict().text("module.a").tensor({1}, {1}).set().text("module.b").tensor({1}, {1}).set());
  EXPECT_TRUE(both.contains("a"));
  EXPECT_TRUE(both.contains("b"));
  const auto mixed = read(Pickle().dict().text("module.a").tensor({1}, {1}).set().text("b").tensor({1}, {1}).set());
  EXPECT_TRUE(mixed.contains("module.a"));
}

TEST(Checkpoint, FollowsStridesAndOffset) {
  const auto state = read(Pickle().dict().text("w").tensor({2, 2}, {1, 2}, 1).set());  // Transposed, from element 1.
  EXPECT_TRUE(at::equal(state.at("w"), at::tensor({1.F, 3.F, 2.F, 4.F}).view({2, 2})));
}

TEST(Checkpoint, ConvertsHalfAndDoubleAndLeavesIntegersOut) {
  Pickle pickle;
  pickle.dict();
  pickle.storage("d", at::tensor({0.1, -2.0}, at::kDouble))
      .text("double")
      .tensor({2}, {1}, 0, "DoubleStorage", "d")
      .set();
  pickle.storage("h", at::tensor({0.5F, 3.0F}).to(at::kHalf))
      .text("half")
      .tensor({2}, {1}, 0, "HalfStorage", "h")
      .set();
  pickle.storage("b", at::tensor({1.5F}).to(at::kBFloat16)).text("b").tensor({1}, {1}, 0, "BFloat16Storage", "b").set();
  pickle.storage("l", at::tensor({7}, at::kLong)).text("n").tensor({}, {}, 0, "LongStorage", "l").set();
  const auto state = read(pickle);
  EXPECT_EQ(state.size(), 3U);
  EXPECT_TRUE(at::equal(state.at("double"), at::tensor({0.1F, -2.F})));
  EXPECT_TRUE(at::equal(state.at("half"), at::tensor({0.5F, 3.F})));
  EXPECT_EQ(state.at("b").item<float>(), 1.5F);
}

TEST(Checkpoint, SaysWhichFileIsMissing) {
  expect_failure(Status::not_found, "/no/such.pt",
                 [] { torch_io::read_checkpoint(std::filesystem::path("/no/such.pt")); });
  const test_support::TemporaryFolder folder;
  expect_failure(Status::io, folder.path.string(), [&] { torch_io::read_checkpoint(folder.path); });
}

}  // namespace
}  // namespace catdog
