// SPDX-License-Identifier: Apache-2.0
// A host's rounding mode, traps and flush-to-zero change no answer.
#include <limits>

#include "capi/support.hpp"
#include "support/float_modes.hpp"

namespace catdog::test_support {
namespace {

// The less probable label gets a denormal probability.
ModelRecipe far_apart() {
  ModelRecipe recipe;
  recipe.edit_weights = [](Weights& weights) { weights["fc.1.bias"].second[0] += 95.0F; };
  return recipe;
}

class CapiFloatEnvironment : public testing::TestWithParam<FloatMode> {};

TEST_P(CapiFloatEnvironment, ChangesNoAnswerAndStaysAsItWas) {
  const Bytes archive = make_model_archive(far_apart());
  const ByteString image = shipped_image("baseline.jpg");
  ClassifierHandle classifier;
  ASSERT_EQ(open_memory(classifier, archive), CATDOG_OK) << catdog_last_error();
  const std::vector<double> expected = verdict_on(classifier, image);
  ASSERT_GT(expected.at(1), 0);
  ASSERT_LT(expected.at(1), std::numeric_limits<float>::min());

  ClassifierHandle opened;
  catdog_status status = CATDOG_OK;
  std::vector<double> with_old;
  std::vector<double> with_new;
  bool kept = false;
  {
    const ModeScope caller(GetParam());
    status = open_memory(opened, archive);
    with_old = verdict_on(classifier, image);
    with_new = verdict_on(opened, image);
    kept = GetParam().is_set();
  }
  EXPECT_EQ(status, CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(with_old, expected);
  EXPECT_EQ(with_new, expected);
  EXPECT_TRUE(kept);
}

INSTANTIATE_TEST_SUITE_P(All, CapiFloatEnvironment, testing::ValuesIn(float_modes()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace catdog::test_support
