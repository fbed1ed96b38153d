// SPDX-License-Identifier: Apache-2.0
// True labels of earlier answers, and how good the answers were over the last of them. For one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "message.hpp"

namespace catdog::service {

struct Feedback {
  std::string token;
  int label = -1;  // Index of the true label.
};

// The body of POST /feedback: {"feedback_token": "…", "label": "cat"}; the label by name, in any case, or by index.
// Throws Problem: 400, 415.
Feedback parse_feedback(const Request& request, const std::vector<std::string>& labels);

// Undefined ratios (nothing was predicted so, or nothing is so) have no value.
struct LabelScore {
  std::optional<double> precision;
  std::optional<double> recall;
  std::optional<double> f1;
  std::size_t support = 0;  // Feedbacks in the window whose true label this is.
};

struct FeedbackScores {
  std::size_t window = 0;  // Feedbacks that the scores are over.
  std::optional<double> accuracy;
  std::vector<LabelScore> labels;  // By label index.
};

// Belongs to one model: another one begins with an empty window.
class FeedbackWindow {
 public:
  FeedbackWindow(std::size_t labels, std::size_t window);

  void record(int predicted, int truth);
  FeedbackScores scores() const;

 private:
  struct Pair {
    std::size_t predicted;
    std::size_t truth;
  };
  std::size_t& cell(const Pair& pair) { return confusion_.at(pair.truth * labels_ + pair.predicted); }

  std::size_t labels_;
  std::size_t window_;
  std::deque<Pair> pairs_;
  std::vector<std::size_t> confusion_;  // [truth × labels + predicted], of pairs_.
};

// The tokens that were used already; the oldest are forgotten.
class UsedTokens {
 public:
  explicit UsedTokens(std::size_t most) : most_(most) {}
  // False when that token was used before.
  bool use(std::uint64_t id);

 private:
  std::size_t most_;
  std::unordered_set<std::uint64_t> known_;
  std::deque<std::uint64_t> order_;
};

}  // namespace catdog::service
