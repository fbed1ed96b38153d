// SPDX-License-Identifier: Apache-2.0
// What the opaque handles of catdog.h hold.
#pragma once

#include <unistd.h>

#include <string>
#include <vector>

#include "catdog/catdog.h"
#include "classifier.hpp"
#include "explanation.hpp"
#include "stream.hpp"

struct catdog_options {
  catdog::core::ClassifierOptions values;
};

struct catdog_classifier {
  catdog::core::Classifier classifier;
  pid_t owner = getpid();  // A forked child has none of its threads.
};

struct catdog_result {
  std::vector<catdog::core::Verdict> items;
  std::vector<std::string> labels;  // A copy: a result may outlive its classifier.
};

struct catdog_explanation {
  catdog::core::Explanation explanation;
  catdog_result result;
};

struct catdog_stream {
  explicit catdog_stream(const catdog::core::Classifier& used) : classifier(used), stream(used) {}
  const catdog::core::Classifier& classifier;
  catdog::core::Stream stream;
  pid_t owner = getpid();
};
