// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "cli/cli_fixture.hpp"

namespace catdog::cli_tests {
namespace {

using testing::HasSubstr;

class Evaluate : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    image("d/cat/1.png", true);
    image("d/cat/2.png", false);  // Called a dog.
    image("d/dog/3.png", false);
    image("d/dog/4.png", false);
  }
  void expect_usage_error(const std::string& arguments, const std::string& named) const {
    const Outcome outcome = run("evaluate " + arguments + " 2>&1");
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_THAT(outcome.out, HasSubstr(named)) << arguments;
  }
};

TEST_F(Evaluate, CountsWhatIsKnown) {
  damaged("d/dog/5.png");
  write("d/README.md", {'#'});  // Files beside the folders don't count.
  const Outcome outcome = run("evaluate d --json --predictions out.csv 2>/dev/null");
  EXPECT_EQ(outcome.code, 1);
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["pictures"], 4);
  EXPECT_EQ(json["unreadable"], 1);
  EXPECT_DOUBLE_EQ(json["accuracy"].get<double>(), 0.75);
  EXPECT_EQ(json["confusion"], nlohmann::json::parse("[[1,1],[0,2]]"));
  // Dogs tie with the blue cat and beat the red one: (0.5 + 1) / 2.
  EXPECT_DOUBLE_EQ(json["auc"].get<double>(), 0.75);
  const std::string rows = read("out.csv");
  EXPECT_THAT(rows, HasSubstr("\r\ncat,d/cat/2.png,ok,dog,label,dog,"));
  EXPECT_THAT(rows, HasSubstr("\r\ndog,d/dog/5.png,unsupported,,,,,,,,,,,,,"));
}

TEST_F(Evaluate, HiddenFilesAndWhatIsNoFileDoNotCount) {
  image("d/cat/.ipynb_checkpoints/1-checkpoint.png", true);
  image("d/.git/5.png", true);
  damaged("d/dog/._4.png");  // As macOS leaves them on other file systems.
  ASSERT_EQ(mkfifo((folder_ / "d/dog/pipe.png").c_str(), 0600), 0);
  const Outcome outcome = run("evaluate d --json");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["pictures"], 4);
}

TEST_F(Evaluate, FoldersMatchLabelsInAnyCase) {
  fs::rename(folder_ / "d/cat", folder_ / "d/Cat");
  image("d/DOG/6.png", false);
  const Outcome outcome = run("evaluate d --json");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["confusion"], nlohmann::json::parse("[[1,1],[0,3]]"));
  std::ofstream(folder_ / "list") << "\xEF\xBB\xBF"
                                  << "Cat/1.png\r\ndog/3.png\r\n";
  const Outcome listed = run("evaluate d --json --list list");
  EXPECT_EQ(listed.code, 0);
  EXPECT_EQ(nlohmann::json::parse(listed.out)["confusion"], nlohmann::json::parse("[[1,0],[0,1]]"));
}

TEST_F(Evaluate, TableHoldsTheSameFigures) {
  const Outcome outcome = run("evaluate d");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("images     4 (0 unreadable)\naccuracy   0.7500"));
}

TEST_F(Evaluate, ListTakesOnlyWhatItNames) {
  std::ofstream(folder_ / "list") << "cat/1.png\r\n./dog/4.png\n\ndog/none.png\n";
  const Outcome outcome = run("evaluate d --json --list list 2>err");
  EXPECT_EQ(outcome.code, 1);
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["pictures"], 2);
  EXPECT_EQ(json["unreadable"], 1);
  EXPECT_EQ(json["confusion"], nlohmann::json::parse("[[1,0],[0,1]]"));
  EXPECT_THAT(read("err"), HasSubstr("d/dog/none.png: not_found"));
}

TEST_F(Evaluate, ListErrorsSayWhatIsWrong) {
  expect_usage_error("d --list none", "can't read the list 'none'");
  std::ofstream(folder_ / "horses") << "cat/1.png\nhorse/1.png\n";
  expect_usage_error("d --list horses", "'horse'");
  std::ofstream(folder_ / "cats") << "cat/1.png\n";
  expect_usage_error("d --list cats", "no images of the class 'dog'");
}

TEST_F(Evaluate, FolderErrorsSayWhatIsWrong) {
  expect_usage_error("none", "'none' is no folder");
  expect_usage_error("d/cat/1.png", "'d/cat/1.png' is no folder");
  fs::create_directory(folder_ / "d/horse");
  expect_usage_error("d", "no label of the model: 'horse'");
  fs::remove(folder_ / "d/horse");
  fs::remove(folder_ / "d/dog/3.png");
  fs::remove(folder_ / "d/dog/4.png");
  expect_usage_error("d", "no images in 'd/dog'");
  write("d/dog/IMG_1.HEIC", {1});
  expect_usage_error("d", "no images in 'd/dog' that can be read: 1 of other kinds, such as HEIC");
  fs::remove_all(folder_ / "d/dog");
  expect_usage_error("d", "the folder 'd/dog' is missing");
}

TEST_F(Evaluate, ImagesOfNoLabelAreMeasuredApart) {
  plain_image("d/neither/green.png", 0, 255, 0);
  plain_image("others/more.png", 0, 255, 0);
  plain_image("others/deeper/blue.png", 0, 0, 255);  // Called a dog.
  const Outcome outcome = run("evaluate --model open.pt d --negatives others --json --predictions out.csv");
  EXPECT_EQ(outcome.code, 0);
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["pictures"], 4);
  EXPECT_DOUBLE_EQ(json["accuracy"].get<double>(), 0.75);
  EXPECT_EQ(json["neither"]["pictures"], 3);
  EXPECT_DOUBLE_EQ(json["neither"]["declined"].get<double>(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(json["neither"]["called_neither"].get<double>(), 2.0 / 3);
  // Two score above all, the blue one as high as all four: (2·4 + 4·0.5) / 12.
  EXPECT_DOUBLE_EQ(json["neither"]["auc"].get<double>(), 10.0 / 12);
  EXPECT_DOUBLE_EQ(json["answered"]["share"].get<double>(), 5.0 / 7);
  EXPECT_DOUBLE_EQ(json["answered"]["accuracy"].get<double>(), 3.0 / 5);
  EXPECT_THAT(read("out.csv"), HasSubstr("\r\nneither,others/more.png,ok,neither,neither,"));
  EXPECT_THAT(run("evaluate --model open.pt d").out, HasSubstr("neither    1 images of no label: AUC 1.0000"));
  std::ofstream(folder_ / "list") << "cat/1.png\ndog/4.png\nneither/green.png\n";
  EXPECT_EQ(nlohmann::json::parse(run("evaluate --model open.pt d --list list --json").out)["neither"]["pictures"], 1);
  // A model without a score has no AUC, and declines nothing here.
  const auto plain = nlohmann::json::parse(run("evaluate d --json").out);
  EXPECT_TRUE(plain["neither"]["auc"].is_null());
  EXPECT_EQ(plain["neither"]["declined"], 0.0);
  expect_usage_error("d --negatives none", "'none' is no folder");
  fs::create_directory(folder_ / "empty");
  expect_usage_error("d --negatives empty", "no images in 'empty'");
}

TEST_F(Evaluate, NothingReadableIsNoFigure) {
  for (const char* name : {"b/cat/1.png", "b/dog/2.png"}) damaged(name);
  const Outcome outcome = run("evaluate b 2>err");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(read("err"), HasSubstr("none of the 2 images could be read"));
}

}  // namespace
}  // namespace catdog::cli_tests
