// SPDX-License-Identifier: Apache-2.0
#include "runtime/model_locator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "lib/model/failure_matcher.hpp"
#include "status.hpp"
#include "temporary_folder.hpp"

namespace catdog::core {
namespace {

class ModelLocator : public testing::Test {
 protected:
  void SetUp() override { unsetenv("CATDOG_MODEL"); }
  void TearDown() override { unsetenv("CATDOG_MODEL"); }
};

TEST_F(ModelLocator, EnvironmentWins) {
  const test_support::TemporaryFolder folder;
  folder.write("mine.pt", "x");
  const std::string path = (folder.path / "mine.pt").string();
  setenv("CATDOG_MODEL", path.c_str(), 1);
  EXPECT_EQ(find_default_model(), path);
}

TEST_F(ModelLocator, EnvironmentIsNotReplacedByAnother) {
  setenv("CATDOG_MODEL", "/nowhere/mine.pt", 1);
  try {
    find_default_model();
    ADD_FAILURE() << "no failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), Status::not_found);
    EXPECT_THAT(failure.what(),
                testing::AllOf(testing::HasSubstr("CATDOG_MODEL"), testing::HasSubstr("/nowhere/mine.pt")));
  }
}

TEST_F(ModelLocator, OrderOfAnInstalledLibrary) {
  const auto candidates = model_candidates("/opt/catdog/lib/libcatdog.so.1", "best_model.pt");
  ASSERT_EQ(candidates.size(), 5U);
  EXPECT_EQ(candidates[0], "/opt/catdog/lib/best_model.pt");
  EXPECT_EQ(candidates[1], "/opt/catdog/share/catdog/best_model.pt");
  EXPECT_EQ(candidates[3], "/opt/catdog/lib/catdog/best_model.pt");
  EXPECT_THAT(candidates[4].string(), testing::EndsWith("share/catdog/best_model.pt"));
}

TEST_F(ModelLocator, PrefixOfALibraryInAMultiarchFolder) {
  EXPECT_EQ(model_candidates("/opt/catdog/lib/x86_64-linux-gnu/libcatdog.so.1", "best_model.pt").at(2),
            "/opt/catdog/share/catdog/best_model.pt");
}

TEST_F(ModelLocator, TheFirstFileThatIsThere) {
  const test_support::TemporaryFolder folder;
  folder.write("second.pt", "x");
  folder.write("third.pt", "x");
  EXPECT_EQ(first_model_among(
                {folder.path / "first.pt", folder.path, folder.path / "second.pt", folder.path / "third.pt"}, ""),
            (folder.path / "second.pt").string());
}

TEST_F(ModelLocator, NoneFoundNamesAllThatWereTried) {
  test_support::expect_failure(Status::not_found, "none; tried: /nowhere/a.pt, /nowhere/b.pt", [] {
    first_model_among({"/nowhere/a.pt", "/nowhere/b.pt"}, "none");
  });
}

TEST_F(ModelLocator, WithoutALibraryOnlyTheInstalledModel) {
  EXPECT_THAT(model_candidates("", "best_model.pt"), testing::SizeIs(1));
}

TEST_F(ModelLocator, ANameIsAShippedModel) {
  const auto beside = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "by_name.pt";
  std::ofstream(beside) << "x";
  EXPECT_EQ(find_model("by_name"), beside.string());
  std::filesystem::remove(beside);
  // Paths stay as they are.
  for (const char* path : {"by_name.pt", "./by_name", "folder/by_name", "/nowhere/by_name", ""}) {
    EXPECT_EQ(find_model(path), path);
  }
  test_support::expect_failure(Status::not_found, "no shipped model is called \"by_name\"",
                               [] { find_model("by_name"); });
  test_support::expect_failure(Status::not_found, "share/catdog/by_name.pt", [] { find_model("by_name"); });
}

// The test program contains the library and lies in the build folder.
TEST_F(ModelLocator, FindsTheFileBesideTheLibrary) {
  const auto beside = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "best_model.pt";
  ASSERT_FALSE(std::filesystem::exists(beside));
  std::ofstream(beside) << "x";
  EXPECT_EQ(find_default_model(), beside.string());
  std::filesystem::remove(beside);
}

}  // namespace
}  // namespace catdog::core
