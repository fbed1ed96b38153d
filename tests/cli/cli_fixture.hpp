// SPDX-License-Identifier: Apache-2.0
// Runs the real command in a folder of its own, with a model whose answers are known: red is a cat, blue a dog.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/images.hpp"
#include "support/model_maker.hpp"

namespace catdog::cli_tests {

namespace fs = std::filesystem;

struct Outcome {
  int code = -1;
  std::string out;
};

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "catdog-cli-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    test_support::ModelRecipe recipe;
    recipe.architecture =
        R"({"name":"colour","layers":[{"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":2}]})";
    recipe.edit_weights = [](test_support::Weights& weights) {
      weights["fc.weight"].second = {1, 0, 0, 0, 0, 1};
      weights["fc.bias"].second = {0, 0};
    };
    write("model.pt", test_support::make_model_archive(recipe));
    // The same with a score for neither that grows with green, and a threshold for the trust.
    recipe.architecture =
        R"({"name":"colour","layers":[{"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":3}]})";
    recipe.edit_weights = [](test_support::Weights& weights) {
      weights["fc.weight"].second = {1, 0, 0, 0, 0, 1, 0, 2, 0};
      weights["fc.bias"].second = {0, 0, 0};
    };
    recipe.json_patch = R"({"calibration": {"neither": {"output": 2}, "abstain_below": 0.5, "curve": [
      {"abstain_below": 0, "precision": 0.5, "coverage": 1}, {"abstain_below": 0.99, "precision": 0.9, "coverage": 0.5}]}})";
    write("open.pt", test_support::make_model_archive(recipe));
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::vector<std::uint8_t>& bytes) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void image(const std::string& name, bool cat) const {
    plain_image(name, std::uint8_t(cat ? 255 : 0), 0, std::uint8_t(cat ? 0 : 255));
  }
  void plain_image(const std::string& name, std::uint8_t red, std::uint8_t green, std::uint8_t blue) const {
    test_support::Pixels pixels{32, 32, {}};
    for (int i = 0; i < 32 * 32; ++i) pixels.rgb.insert(pixels.rgb.end(), {red, green, blue});
    write(name, test_support::encode_png(pixels));
  }
  // A list of `rows` rows, for runs that take their time: far more than a pipe holds.
  void long_list(const std::string& name, int rows) {
    image("one.png", true);
    std::ofstream list(folder_ / name);
    for (int i = 0; i < rows; ++i) list << "one.png\n";
  }
  void damaged(const std::string& name) const { write(name, {'n', 'o'}); }

  // `after` is what the shell does with the output.
  Outcome run(const std::string& arguments, const std::string& after = "") const {
    const std::string line =
        "cd '" + folder_.string() + "' && { CATDOG_MODEL=model.pt " CATDOG_CLI " " + arguments + "; } " + after;
    FILE* pipe = popen(line.c_str(), "r");
    Outcome outcome;
    std::array<char, 4096> block{};
    for (std::size_t n = 0; (n = fread(block.data(), 1, block.size(), pipe)) > 0;) outcome.out.append(block.data(), n);
    const int status = pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
  }

  std::string read(const std::string& name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  fs::path folder_;
};

}  // namespace catdog::cli_tests
