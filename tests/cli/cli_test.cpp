// SPDX-License-Identifier: Apache-2.0
// Runs the real command on pictures and a model whose answers are known: red is a cat, blue a dog.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "support/model_maker.hpp"
#include "support/pictures.hpp"

namespace {

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
    catdog::test_support::ModelRecipe recipe;
    recipe.architecture =
        R"({"name":"colour","layers":[{"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":2}]})";
    recipe.edit_weights = [](catdog::test_support::Weights& weights) {
      weights["fc.weight"].second = {1, 0, 0, 0, 0, 1};
      weights["fc.bias"].second = {0, 0};
    };
    write("model.pt", catdog::test_support::make_model_archive(recipe));
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::vector<std::uint8_t>& bytes) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void picture(const std::string& name, bool cat) const {
    catdog::test_support::Pixels pixels{32, 32, {}};
    for (int i = 0; i < 32 * 32; ++i) {
      pixels.rgb.insert(pixels.rgb.end(), {std::uint8_t(cat ? 255 : 0), 0, std::uint8_t(cat ? 0 : 255)});
    }
    write(name, catdog::test_support::encode_png(pixels));
  }
  void damaged(const std::string& name) const { write(name, {'n', 'o'}); }

  Outcome run(const std::string& arguments) const {
    const std::string line = "cd '" + folder_.string() + "' && CATDOG_MODEL=model.pt " CATDOG_CLI " " + arguments;
    FILE* pipe = popen(line.c_str(), "r");
    Outcome outcome;
    std::array<char, 4096> block{};
    for (std::size_t n = 0; (n = fread(block.data(), 1, block.size(), pipe)) > 0;) outcome.out.append(block.data(), n);
    const int status = pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
  }

  fs::path folder_;
};

TEST_F(Cli, RowsKeepTheOrderOfTheInput) {
  std::string expected;
  for (int i = 10; i < 60; ++i) {
    const std::string name = "p/" + std::to_string(i) + ".png";
    picture(name, i % 3 == 0);
    expected += name + (i % 3 == 0 ? ": cat" : ": dog") + "\n";
  }
  const Outcome outcome = run("classify -j 4 p | cut -d' ' -f1,2");
  EXPECT_EQ(outcome.out, expected);
}

TEST_F(Cli, ExitCodes) {
  picture("a.png", true);
  damaged("bad.png");
  fs::create_directory(folder_ / "empty");
  EXPECT_EQ(run("classify a.png").code, 0);
  EXPECT_EQ(run("classify a.png bad.png 2>/dev/null").code, 1);
  EXPECT_EQ(run("classify a.png none.png 2>/dev/null").code, 1);
  EXPECT_EQ(run("classify empty 2>/dev/null").code, 2);
  EXPECT_EQ(run("classify --nonsense a.png 2>/dev/null").code, 2);
  EXPECT_EQ(run("2>/dev/null").code, 2);
  EXPECT_EQ(run("classify --model none.pt a.png 2>/dev/null").code, 3);
  EXPECT_EQ(run("classify a.png 2>/dev/null >/dev/full").code, 4);
  EXPECT_EQ(run("classify --help >/dev/null").code, 0);
}

TEST_F(Cli, JsonRowsOfGoodAndBadPictures) {
  picture("odd \"name\",\n\xc3\xa9.png", false);
  damaged("zz.png");
  std::istringstream lines(run("classify --json . 2>/dev/null").out);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto good = nlohmann::json::parse(line);
  EXPECT_EQ(good["path"], "./odd \"name\",\n\xc3\xa9.png");
  EXPECT_EQ(good["label"], "dog");
  EXPECT_EQ(good["probabilities"]["dog"], good["confidence"]);
  ASSERT_TRUE(std::getline(lines, line));
  const auto bad = nlohmann::json::parse(line);
  EXPECT_EQ(bad["status"], "unsupported");
  EXPECT_NE(bad["message"], "");
  EXPECT_FALSE(bad.contains("label"));
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_F(Cli, CsvQuotesOddNames) {
  picture("a,\"b\nc.png", true);
  const std::string out = run("classify --csv .").out;
  EXPECT_NE(out.find("\r\n\"./a,\"\"b\nc.png\",ok,cat,"), std::string::npos) << out;
}

TEST_F(Cli, RecursionEndsInSpiteOfALoop) {
  picture("p/a.png", true);
  picture("p/q/b.png", false);
  fs::create_directory_symlink("..", folder_ / "p/q/loop");
  EXPECT_EQ(run("classify p | wc -l").out, "1\n");
  EXPECT_EQ(run("classify -r p | wc -l").out, "2\n");
}

TEST_F(Cli, StandardInputIsAPictureOrAList) {
  picture("a.png", true);
  EXPECT_EQ(run("classify - < a.png").out.substr(0, 6), "-: cat");
  EXPECT_EQ(run("classify --files-from list -0 2>/dev/null").code, 2);
  write("list", {'a', '.', 'p', 'n', 'g', 0});
  EXPECT_EQ(run("classify --files-from - -0 < list").out.substr(0, 10), "a.png: cat");
}

TEST_F(Cli, AClosedPipeIsQuiet) {
  for (int i = 10; i < 40; ++i) picture("p/" + std::to_string(i) + ".png", true);
  EXPECT_EQ(run("classify p 2>err | head -1 | cut -c1-8").out, "p/10.png\n");
  EXPECT_EQ(fs::file_size(folder_ / "err"), 0U);  // Nor a progress bar: standard error is a file.
}

TEST_F(Cli, EvaluateCountsWhatIsKnown) {
  picture("d/cat/1.png", true);
  picture("d/cat/2.png", false);  // Called a dog.
  picture("d/dog/3.png", false);
  picture("d/dog/4.png", false);
  damaged("d/dog/5.png");
  const Outcome outcome = run("evaluate d --json --predictions out.csv 2>/dev/null");
  EXPECT_EQ(outcome.code, 1);
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["pictures"], 4);
  EXPECT_EQ(json["unreadable"], 1);
  EXPECT_DOUBLE_EQ(json["accuracy"].get<double>(), 0.75);
  EXPECT_EQ(json["confusion"], nlohmann::json::parse("[[1,1],[0,2]]"));
  // Dogs tie with the blue cat and beat the red one: (0.5 + 1) / 2.
  EXPECT_DOUBLE_EQ(json["auc"].get<double>(), 0.75);
  EXPECT_EQ(run("evaluate d --list none 2>/dev/null").code, 2);
  fs::create_directory(folder_ / "d/horse");
  const Outcome unknown = run("evaluate d 2>&1");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.out.find("'horse'"), std::string::npos) << unknown.out;
}

TEST_F(Cli, InfoNamesTheModel) {
  const auto json = nlohmann::json::parse(run("info --json model.pt").out);
  EXPECT_EQ(json["name"], "small");
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["input"], "32x32");
  EXPECT_EQ(json["labels"], nlohmann::json::parse(R"(["cat","dog"])"));
}

}  // namespace
