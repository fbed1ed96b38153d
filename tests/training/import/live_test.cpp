// SPDX-License-Identifier: Apache-2.0
// With a real PyTorch: it writes a SimpleCNN checkpoint of full size, we import it, it runs what we wrote.
#include <gtest/gtest.h>

#include <cstdlib>

#include "lib/runtime/temporary_folder.hpp"
#include "torch_io/checkpoint.hpp"
#include "training/import/simple_cnn.hpp"

namespace catdog {
namespace {

using test_support::Json;

const std::string python = CATDOG_TEST_PYTHON;

int run(const std::string& arguments, const std::filesystem::path& log) {
  const std::string command = "'" + python + "' -B " + arguments + " > '" + log.string() + "' 2>&1";
  return std::system(command.c_str());  // NOLINT(cert-env33-c,concurrency-mt-unsafe): paths of our own.
}

TEST(LivePyTorch, FullSimpleCnnGoesInAndOutWithTheSameLogits) {
  const test_support::TemporaryFolder folder;
  const auto log = folder.path / "log";
  if (python.empty() || run("-c 'import torch'", log) != 0) {
    GTEST_SKIP() << "python3 with torch (" << (python.empty() ? "none found" : python) << ") cannot be imported";
  }
  const auto checkpoint = folder.path / "checkpoint.pt";
  const auto json = folder.path / "numbers.json";
  const auto model_file = folder.path / "model.pt";
  ASSERT_EQ(run("'" + test_support::checkpoint_path("make_checkpoints.py") + "' '" + checkpoint.string() + "' '" +
                    json.string() + "' --channels 32,64,128,256 --hidden 128 --size 48 --seed 7",
                log),
            0)
      << test_support::read_text(log);

  const Json numbers = Json::parse(test_support::read_text(json));
  const Json architecture =
      Json::parse(test_support::read_text(CATDOG_SOURCE_DIR "/training/architectures/simplecnn.json"));
  const int size = numbers.at("size").get<int>();
  torch_io::write_model_file(model_file, test_support::config_for(architecture, size).dump(),
                             torch_io::read_checkpoint(checkpoint));
  const auto model = core::ModelFile::from_file(model_file);
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    const auto expected = numbers.at("logits").at(seed - 1).get<std::vector<float>>();
    const auto native = test_support::native_logits(model, seed);
    ASSERT_EQ(expected.size(), native.size());
    for (std::size_t i = 0; i < native.size(); ++i) {
      EXPECT_NEAR(native[i], expected[i], 1e-4) << seed;
    }
  }
  EXPECT_EQ(run("'" CATDOG_SOURCE_DIR "/tests/training/import/check_model.py' '" + model_file.string() + "' '" +
                    json.string() + "'",
                log),
            0)
      << test_support::read_text(log);
}

}  // namespace
}  // namespace catdog
