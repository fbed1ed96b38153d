// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/cli_fixture.hpp"

namespace catdog::cli_tests {
namespace {

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

TEST_F(Cli, InfoNamesTheModel) {
  const auto json = nlohmann::json::parse(run("info --json model.pt").out);
  EXPECT_EQ(json["name"], "small");
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["input"], "32x32");
  EXPECT_EQ(json["labels"], nlohmann::json::parse(R"(["cat","dog"])"));
}

}  // namespace
}  // namespace catdog::cli_tests
