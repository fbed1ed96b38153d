// SPDX-License-Identifier: Apache-2.0
// A classifier that is asked about one struct after the other.
#pragma once

#include "capi/support.hpp"

namespace catdog::test_support {

class CapiImageTest : public testing::Test {
 protected:
  std::vector<double> verdict(const catdog_image& image) {
    EXPECT_EQ(classify(result_, classifier_, image), CATDOG_OK) << catdog_last_error();
    return probabilities(result_.get());
  }
  void refused(const catdog_image& image, catdog_status status = CATDOG_ERROR_INVALID_ARGUMENT) {
    EXPECT_EQ(classify(result_, classifier_, image), status) << catdog_last_error();
    EXPECT_EQ(result_, nullptr);
  }
  ClassifierHandle classifier_ = open_model();
  ResultHandle result_;
};

}  // namespace catdog::test_support
