// SPDX-License-Identifier: Apache-2.0
// From the public struct to what lib/ takes, with every field checked.
#pragma once

#include "catdog/catdog.h"
#include "classifier.hpp"

namespace catdog::capi {

// The verdict on one image of a call that began at `start`. A malformed struct is invalid_argument in the verdict, like
// any other bad image. With an explanation, it completes it.
core::Verdict classify(const core::Classifier& classifier, const catdog_image& image,
                       core::Deadline::Clock::time_point start, core::Explanation* explanation = nullptr);

}  // namespace catdog::capi
