// SPDX-License-Identifier: Apache-2.0
// What import says before libtorch is needed.
#include <gmock/gmock.h>

#include "cli/cli_fixture.hpp"

namespace catdog::cli_tests {
namespace {

using testing::HasSubstr;

class Import : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    damaged("checkpoint.pt");
  }
  Outcome import(const std::string& arguments) const { return run("import -o out.pt " + arguments + " 2>&1"); }
};

TEST_F(Import, AMissingPluginIsNamed) {
  const Outcome outcome = import("checkpoint.pt --plugin /nowhere/libcatdog-torch.so");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.out, HasSubstr("--plugin; tried: /nowhere/libcatdog-torch.so: "));
  EXPECT_FALSE(fs::exists(folder_ / "out.pt"));
}

TEST_F(Import, AnyOtherLibraryIsNoPlugin) {
  const Outcome outcome = import("checkpoint.pt --plugin " CATDOG_LIBRARY);
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.out, HasSubstr("it has no importer"));
}

TEST_F(Import, EachOutputNeedsALabel) {
  const Outcome outcome = import("checkpoint.pt --labels cat,dog,horse");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.out, HasSubstr("--labels names 3 labels"));
  EXPECT_THAT(outcome.out, HasSubstr("has 2 outputs"));
  std::ofstream(folder_ / "net.json")
      << R"({"name":"net","layers":[{"op":"conv2d","name":"c","out_channels":5,"kernel":1},
                                             {"op":"global_avg_pool"}]})";
  EXPECT_THAT(import("checkpoint.pt --architecture net.json").out, HasSubstr("has 5 outputs"));
}

TEST_F(Import, UsageErrorsSayWhatIsWrong) {
  write("text", {'n', 'o'});
  const std::vector<std::pair<std::string, std::string>> cases{
      {"none.pt", "the checkpoint 'none.pt' is no file"},
      {"checkpoint.pt --input 128", "'128' is not WIDTHxHEIGHT"},
      {"checkpoint.pt --architecture none.json", "can't read the architecture 'none.json'"},
      {"checkpoint.pt --architecture text", "'text' is no architecture"},
      {"checkpoint.pt --mean 0.5,0.5", "--mean"},
      {"checkpoint.pt --temperature 0", "--temperature"}};
  for (const auto& [arguments, reason] : cases) {
    const Outcome outcome = import(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_THAT(outcome.out, HasSubstr(reason)) << arguments;
  }
}

}  // namespace
}  // namespace catdog::cli_tests
