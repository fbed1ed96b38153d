// SPDX-License-Identifier: Apache-2.0
// Import end to end, of checkpoints that PyTorch wrote (tests/golden/checkpoints).
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/cli_fixture.hpp"

namespace catdog::cli_tests {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// SimpleCNN with channels 4, 4, 8, 8 and 8 hidden units, as the checkpoints have them.
nlohmann::json small_simplecnn() {
  nlohmann::json layers = nlohmann::json::array();
  int block = 0;
  for (const int channels : {4, 4, 8, 8}) {
    const std::string name = "conv" + std::to_string(++block);
    layers.push_back(
        {{"op", "conv2d"}, {"name", name + ".0"}, {"out_channels", channels}, {"kernel", 3}, {"padding", 1}});
    layers.push_back({{"op", "batch_norm"}, {"name", name + ".1"}});
    layers.push_back({{"op", "relu"}});
    layers.push_back({{"op", "max_pool"}, {"kernel", 2}});
  }
  layers.push_back({{"op", "global_avg_pool"}});
  layers.push_back({{"op", "linear"}, {"name", "fc.1"}, {"out_features", 8}});
  layers.push_back({{"op", "relu"}});
  layers.push_back({{"op", "dropout"}, {"p", 0.5}});
  layers.push_back({{"op", "linear"}, {"name", "fc.4"}, {"out_features", 2}});
  return {{"name", "small"}, {"layers", layers}};
}

class ImportTorch : public Cli, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Cli::SetUp();
    std::ofstream(folder_ / "net.json") << small_simplecnn();
    image("a.png", true);
  }
  Outcome import(const std::string& arguments) const {
    return run("import --plugin " CATDOG_TORCH_PLUGIN " -o out.pt " + arguments + " 2>&1");
  }
  std::string checkpoint() const { return CATDOG_SOURCE_DIR "/tests/golden/checkpoints/" + std::string(GetParam()); }
};

TEST_P(ImportTorch, MakesAModelThatBothEnginesRunAlike) {
  const Outcome imported =
      import(checkpoint() + " --architecture net.json --input 32x32 --name tiny --labels left,right");
  ASSERT_EQ(imported.code, 0) << imported.out;
  EXPECT_THAT(imported.out, StartsWith("wrote out.pt (native engine, sha256 "));
  const auto info = nlohmann::json::parse(run("info --json out.pt").out);
  EXPECT_EQ(info["name"], "tiny");
  EXPECT_EQ(info["labels"], nlohmann::json::parse(R"(["left","right"])"));
  EXPECT_EQ(info["input"], "32x32");
  EXPECT_EQ(info["provenance"]["imported_from"], GetParam());
  const std::string classify = "classify --json --model out.pt --precision fp32 a.png --plugin " CATDOG_TORCH_PLUGIN;
  const auto native = nlohmann::json::parse(run(classify + " --engine native").out);
  const auto torch = nlohmann::json::parse(run(classify + " --engine torch").out);
  EXPECT_EQ(native["label"], torch["label"]);
  EXPECT_NEAR(native["confidence"].get<double>(), torch["confidence"].get<double>(), 1e-4);
}

TEST_P(ImportTorch, RefusesALayerListThatDoesNotFit) {
  const Outcome outcome = import(checkpoint());  // The full-size SimpleCNN.
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("conv1.0.weight"));
  EXPECT_FALSE(fs::exists(folder_ / "out.pt"));
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, ImportTorch, testing::Values("torch113.pt", "torch213.pt"),
                         [](const auto& test) { return std::string(test.param).substr(0, 8); });

TEST_F(ImportTorch, RefusesWhatIsNoCheckpoint) {
  damaged("no.pt");
  const Outcome outcome = import("no.pt");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, StartsWith("catdog: can't import 'no.pt' ("));
}

}  // namespace
}  // namespace catdog::cli_tests
