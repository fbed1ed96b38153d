// SPDX-License-Identifier: Apache-2.0
// The importer as the catdog command calls it: through dlsym, in plain C.
#include "torch_io/import_abi.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "lib/runtime/temporary_folder.hpp"
#include "status.hpp"
#include "training/import/simple_cnn.hpp"

namespace catdog {
namespace {

using core::Status;
using test_support::Json;
using testing::HasSubstr;

class ImportAbi : public testing::Test {
 protected:
  void SetUp() override {
    void* library = dlopen(CATDOG_TORCH_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    import_ = reinterpret_cast<catdog_torch_import_v1_fn>(dlsym(library, CATDOG_TORCH_IMPORT_V1));
    ASSERT_NE(import_, nullptr);
    numbers_ = Json::parse(test_support::read_text(test_support::checkpoint_path("torch113.json")));
    config_ = test_support::config_for_numbers(numbers_).dump();
  }

  std::string output() const { return (folder_.path / "out.pt").string(); }
  Status run(const std::string& checkpoint, const std::string& config) {
    error_.fill('#');
    return static_cast<Status>(
        import_(checkpoint.c_str(), config.c_str(), output().c_str(), error_.data(), error_.size()));
  }

  catdog_torch_import_v1_fn import_ = nullptr;
  test_support::TemporaryFolder folder_;
  Json numbers_;
  std::string config_;
  std::string checkpoint_ = test_support::checkpoint_path("torch113.pt");
  std::array<char, 512> error_{};
};

TEST_F(ImportAbi, WritesAModelFileWithTheLogitsOfPyTorch) {
  ASSERT_EQ(run(checkpoint_, config_), Status::ok) << error_.data();
  EXPECT_STREQ(error_.data(), "");
  const auto model = core::ModelFile::from_file(output());
  const auto expected = numbers_.at("logits").at(2).get<std::vector<float>>();
  const auto actual = test_support::native_logits(model, 3);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(actual[i], expected[i], 1e-4);
}

TEST_F(ImportAbi, NamesTheCheckpointThatIsMissing) {
  EXPECT_EQ(run("/no/such.pt", config_), Status::not_found);
  EXPECT_THAT(error_.data(), HasSubstr("/no/such.pt"));
}

TEST_F(ImportAbi, NamesTheCheckpointAndWhatDoesNotFit) {
  Json config = Json::parse(config_);
  config["architecture"] = test_support::simple_cnn({4, 4, 8, 8}, 9, 2);
  EXPECT_EQ(run(checkpoint_, config.dump()), Status::model_format);
  EXPECT_THAT(error_.data(), HasSubstr(checkpoint_));
  EXPECT_THAT(error_.data(), HasSubstr("shape of fc.1.weight is [8, 8], expected [9, 8]"));
  EXPECT_FALSE(std::filesystem::exists(output()));
}

TEST_F(ImportAbi, RefusesATemplateThatIsNoJson) {
  EXPECT_EQ(run(checkpoint_, "{]"), Status::model_format);
  EXPECT_THAT(error_.data(), HasSubstr("catdog.json"));
}

TEST_F(ImportAbi, NullsAreInvalidArguments) {
  const std::string out = output();
  for (int missing = 0; missing < 3; ++missing) {
    error_.fill('#');
    EXPECT_EQ(import_(missing == 0 ? nullptr : checkpoint_.c_str(), missing == 1 ? nullptr : config_.c_str(),
                      missing == 2 ? nullptr : out.c_str(), error_.data(), error_.size()),
              static_cast<int>(Status::invalid_argument));
    EXPECT_THAT(error_.data(), HasSubstr("must be given"));
  }
  EXPECT_EQ(import_(nullptr, nullptr, nullptr, nullptr, 0), static_cast<int>(Status::invalid_argument));
  EXPECT_EQ(import_(nullptr, nullptr, nullptr, nullptr, 100), static_cast<int>(Status::invalid_argument));
}

TEST_F(ImportAbi, TheMessageIsCutToTheBufferWithItsZero) {
  const auto call = [&](std::size_t size) {
    error_.fill('#');
    return import_("/no/such.pt", config_.c_str(), output().c_str(), error_.data(), size);
  };
  EXPECT_EQ(call(10), static_cast<int>(Status::not_found));
  EXPECT_EQ(std::string(error_.data()).size(), 9U);
  EXPECT_EQ(error_[10], '#');
  EXPECT_EQ(call(1), static_cast<int>(Status::not_found));
  EXPECT_EQ(error_[0], '\0');
  EXPECT_EQ(error_[1], '#');
  EXPECT_EQ(call(0), static_cast<int>(Status::not_found));
  EXPECT_EQ(error_[0], '#');
}

}  // namespace
}  // namespace catdog
