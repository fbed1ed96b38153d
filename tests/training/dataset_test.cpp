// SPDX-License-Identifier: Apache-2.0
#include "dataset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "status.hpp"
#include "tiny_dataset.hpp"

namespace {

using namespace catdog;
using namespace catdog::training;
using testing::HasSubstr;

class DatasetTest : public testing::Test {
 protected:
  void SetUp() override {
    tests::write_stripes(folder_.path() / "data", 40);
    options_ = tests::tiny_options(folder_.path());
  }
  Dataset load() const { return load_dataset(options_); }
  std::string failure() const {
    try {
      load();
    } catch (const core::Failure& failure) {
      return failure.what();
    }
    return "no failure";
  }
  std::filesystem::path data() const { return folder_.path() / "data"; }

  tests::TemporaryFolder folder_;
  TrainOptions options_;
};

std::set<std::string> keys(const Dataset& data, Split split) {
  std::set<std::string> result;
  for (const std::size_t i : data.indices(split)) result.insert(data.samples[i].key);
  return result;
}

TEST_F(DatasetTest, ReadsClassFoldersInSortedOrder) {
  const Dataset data = load();
  EXPECT_THAT(data.labels, testing::ElementsAre("cat", "dog"));
  ASSERT_EQ(data.samples.size(), 80U);
  for (const Sample& sample : data.samples) {
    EXPECT_EQ(sample.key.substr(0, 3), data.labels[static_cast<std::size_t>(sample.label)]);
    EXPECT_EQ(sample.rgb.size(), (core::Size{40, 36}));
  }
}

TEST_F(DatasetTest, SplitsAreDisjointCompleteAndIndependentOfOtherFiles) {
  const Dataset all = load();
  EXPECT_EQ(keys(all, Split::train).size() + keys(all, Split::validation).size() + keys(all, Split::test).size(), 80U);
  const auto test_before = keys(all, Split::test);
  std::filesystem::remove(data() / *keys(all, Split::train).begin());
  EXPECT_EQ(keys(load(), Split::test), test_before);
  options_.split_seed = 2;
  EXPECT_NE(keys(load(), Split::test), test_before);
}

TEST_F(DatasetTest, ATarOfTheFolderGivesTheSameSamples) {
  const std::string tar = (folder_.path() / "data.tar").string();
  ASSERT_EQ(std::system(("tar -C '" + folder_.path().string() + "' -cf '" + tar + "' data").c_str()), 0);
  const Dataset from_folder = load();
  options_.data = tar;
  const Dataset from_tar = load();
  ASSERT_EQ(from_tar.samples.size(), from_folder.samples.size());
  for (std::size_t i = 0; i < from_tar.samples.size(); ++i) {
    EXPECT_EQ(from_tar.samples[i].key, from_folder.samples[i].key);
    EXPECT_EQ(from_tar.samples[i].split, from_folder.samples[i].split);
    ASSERT_EQ(from_tar.samples[i].rgb.size(), from_folder.samples[i].rgb.size());
    EXPECT_EQ(std::memcmp(from_tar.samples[i].rgb.row(0), from_folder.samples[i].rgb.row(0), 3 * 40 * 36), 0);
  }
}

TEST_F(DatasetTest, ATruncatedTarIsAnError) {
  const std::string tar = (folder_.path() / "data.tar").string();
  ASSERT_EQ(std::system(("tar -C '" + folder_.path().string() + "' -cf '" + tar + "' data").c_str()), 0);
  std::filesystem::resize_file(tar, 20000);
  options_.data = tar;
  EXPECT_THAT(failure(), HasSubstr("data.tar"));
}

TEST_F(DatasetTest, TheNoiseListIsLeftOut) {
  std::ofstream(folder_.path() / "noise.txt") << "# not animals\ncat.3 dog.5 # two of them\ncat.999\n";
  options_.exclude = (folder_.path() / "noise.txt").string();
  const Dataset data = load();
  EXPECT_EQ(data.excluded, 2U);
  for (const Sample& sample : data.samples) {
    EXPECT_NE(sample.key, "cat/cat.3.png");
    EXPECT_NE(sample.key, "dog/dog.5.png");
  }
}

TEST_F(DatasetTest, TheNoiseListNeedsTheFolderOfANameInSeveral) {
  for (const char* folder : {"cat", "dog"}) {
    std::filesystem::copy_file(data() / folder / (std::string(folder) + ".1.png"), data() / folder / "0.png");
  }
  options_.exclude = (folder_.path() / "noise.txt").string();
  for (const std::string row : {"0", "0.png"}) {
    std::ofstream(options_.exclude) << row << '\n';
    EXPECT_THAT(failure(), HasSubstr("noise.txt: \"" + row + "\" is in the folders \"cat\" and \"dog\""));
  }
  for (const char* row : {"cat/0", "cat/0.png",
                          "\xEF\xBB\xBF"
                          "cat/0"}) {
    std::ofstream(options_.exclude) << row << '\n';
    const Dataset data = load();
    EXPECT_EQ(data.excluded, 1U) << row;
    std::set<std::string> all;
    for (const Sample& sample : data.samples) all.insert(sample.key);
    EXPECT_FALSE(all.contains("cat/0.png")) << row;
    EXPECT_TRUE(all.contains("dog/0.png")) << row;
  }
}

TEST_F(DatasetTest, HiddenFilesAndFoldersAreSkipped) {
  for (const std::string folder : {"cat", ".ipynb_checkpoints"}) {
    std::filesystem::create_directories(data() / folder);
    std::filesystem::copy_file(data() / "cat" / "cat.1.png", data() / folder / "._x.png");
    std::filesystem::copy_file(data() / "cat" / "cat.1.png", data() / folder / "x.png");
  }
  EXPECT_EQ(load().samples.size(), 81U);
  const std::string tar = (folder_.path() / "data.tar").string();
  ASSERT_EQ(std::system(("tar -C '" + folder_.path().string() + "' -cf '" + tar + "' ./data").c_str()), 0);
  options_.data = tar;
  EXPECT_EQ(load().samples.size(), 81U);
}

TEST_F(DatasetTest, UnreadableImagesAreCountedAndNamedNotFatal) {
  std::ofstream(data() / "cat" / "broken.png") << "\x89PNG\r\n\x1a\nnot an image";
  std::ofstream(data() / "dog" / "notes.txt") << "hello";
  const Dataset data = load();
  ASSERT_EQ(data.unreadable.size(), 2U);
  EXPECT_EQ(data.unreadable[0].key, "cat/broken.png");
  EXPECT_THAT(data.unreadable[0].reason, HasSubstr("corrupt"));
  EXPECT_EQ(data.unreadable[1].key, "dog/notes.txt");
  EXPECT_THAT(data.unreadable[1].reason, HasSubstr("unsupported"));
  EXPECT_EQ(data.samples.size(), 80U);
}

TEST_F(DatasetTest, AnEmptyClassIsAnErrorThatNamesIt) {
  std::filesystem::create_directories(data() / "emu");
  EXPECT_THAT(failure(), HasSubstr("\"emu\" is empty"));
}

TEST_F(DatasetTest, OneClassIsTooFew) {
  std::filesystem::remove_all(data() / "dog");
  EXPECT_THAT(failure(), HasSubstr("at least two class"));
}

TEST_F(DatasetTest, EverySplitNeedsEachClass) {
  options_.val_fraction = 0;
  EXPECT_THAT(failure(), HasSubstr("no image of class \"cat\" in the validation split"));
}

TEST_F(DatasetTest, UnreadableImagesDontCountForASplit) {
  for (const auto& entry : std::filesystem::directory_iterator(data() / "dog")) std::ofstream(entry.path()) << "text";
  EXPECT_THAT(failure(), HasSubstr("no readable image of class \"dog\" in the train split"));
}

TEST_F(DatasetTest, MissingDataIsNamed) {
  options_.data = "/nowhere/at/all";
  EXPECT_THAT(failure(), HasSubstr("/nowhere/at/all"));
}

TEST_F(DatasetTest, TeacherLogitsAreMatchedByFileNameAndOtherImagesDontTrain) {
  std::ofstream csv(folder_.path() / "teacher.csv");
  csv << "file,cat_logit,dog_logit\n";
  for (int i = 1; i < 40; ++i) csv << "cat." << i << ".png,1.5,-" << i << "\ndog." << i << ".png,-1,2\n";
  csv.close();
  options_.teacher = (folder_.path() / "teacher.csv").string();
  const Dataset data = load();
  const std::size_t expected = (assign_split("cat/cat.0.png", options_) == Split::train ? 1U : 0U) +
                               (assign_split("dog/dog.0.png", options_) == Split::train ? 1U : 0U);
  EXPECT_EQ(data.without_teacher, expected);
  for (const Sample& sample : data.samples) {
    if (sample.key == "cat/cat.7.png") {
      EXPECT_THAT(sample.teacher_logits, testing::ElementsAre(1.5F, -7.0F));
    }
  }
}

TEST_F(DatasetTest, TheTeacherNeedsTheFolderOfANameInSeveral) {
  options_.teacher = (folder_.path() / "teacher.csv").string();
  for (const char* folder : {"cat", "dog"}) {
    std::filesystem::copy_file(data() / folder / (std::string(folder) + ".1.png"), data() / folder / "0.png");
  }
  const auto write = [&](const std::string& rows) {
    std::ofstream csv(options_.teacher);
    csv << "\xEF\xBB\xBF"
           "file,cat_logit,dog_logit\n";
    for (int i = 0; i < 40; ++i) csv << "cat." << i << ".png,1.5,-2\ndog." << i << ".png,-1,2\n";
    csv << rows;
  };
  write("0.png,3,-3\n");
  EXPECT_THAT(failure(), HasSubstr("teacher.csv, line 82: \"0.png\" is in the folders \"cat\" and \"dog\""));
  write("cat/0.png,3,-3\ndog/0.png,-4,4\n");
  std::map<std::string, float> taught;
  for (const Sample& sample : load().samples) taught[sample.key] = sample.teacher_logits.at(0);
  EXPECT_EQ(taught.at("cat/0.png"), 3.0F);
  EXPECT_EQ(taught.at("dog/0.png"), -4.0F);
}

TEST_F(DatasetTest, ATeachersBadNumberIsNamedWithItsLine) {
  options_.teacher = (folder_.path() / "teacher.csv").string();
  for (const std::string field : {"x", "1.5x", "nan", "1e99"}) {
    std::ofstream(options_.teacher) << "file,cat_logit,dog_logit\ncat.1.png,1,2\ncat.2.png,1," << field << '\n';
    EXPECT_THAT(failure(), HasSubstr("teacher.csv, line 3: \"" + field + "\" is no number"));
  }
}

TEST_F(DatasetTest, ATeacherWithOtherColumnsIsRefused) {
  std::ofstream(folder_.path() / "teacher.csv") << "file,dog_logit,cat_logit\n";
  options_.teacher = (folder_.path() / "teacher.csv").string();
  EXPECT_THAT(failure(), HasSubstr("file,cat_logit,dog_logit"));
}

TEST_F(DatasetTest, SplitListsHoldEveryKeyOnce) {
  const Dataset data = load();
  write_split_lists(data, folder_.path().string());
  std::ifstream in(folder_.path() / "test.txt");
  std::set<std::string> listed;
  for (std::string line; std::getline(in, line);) EXPECT_TRUE(listed.insert(line).second) << line;
  EXPECT_EQ(listed, keys(data, Split::test));
}

}  // namespace
