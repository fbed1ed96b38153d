// SPDX-License-Identifier: Apache-2.0
// True labels of earlier answers, and how good the answers were over the last of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "exchange.hpp"

namespace catdog::service {

struct Feedback {
  std::string request_id;
  int label = -1;  // Index of the true label.
};

// The body of POST /feedback: {"request_id": "…", "label": "cat"}; the label by name, in any case, or by index.
// Throws Problem: 400, 415.
Feedback parse_feedback(const Request& request, const std::vector<std::string>& labels);

enum class FeedbackOutcome { recorded, unknown, already_given };

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

struct FeedbackOptions {
  std::size_t labels = 2;
  std::size_t max_answers = 100000;           // Answers remembered; the oldest goes first.
  std::chrono::seconds expiry{24 * 60 * 60};  // Feedback later than this is for an unknown id.
  std::size_t window = 1000;                  // Feedbacks that the scores are over.
};

// Thread-safe. Memory is bounded by max_answers ids of at most max_id_bytes and `window` pairs of numbers.
class FeedbackWindow {
 public:
  static constexpr std::size_t max_id_bytes = 128;

  explicit FeedbackWindow(const FeedbackOptions& options);

  // An answer was given. The same id again replaces the earlier answer; ids that are too long are not remembered.
  void remember(const std::string& request_id, int predicted_class, Clock::time_point now = Clock::now());

  FeedbackOutcome record(const std::string& request_id, int true_label, Clock::time_point now = Clock::now());

  FeedbackScores scores() const;
  std::size_t remembered() const;

 private:
  struct Answer {
    std::string id;
    int predicted;
    bool given;
    Clock::time_point at;
  };
  struct Pair {
    int predicted;
    int truth;
  };

  void forget_oldest();

  FeedbackOptions options_;
  mutable std::mutex mutex_;
  std::list<Answer> answers_;  // Oldest first.
  std::unordered_map<std::string_view, std::list<Answer>::iterator> by_id_;
  std::deque<Pair> pairs_;
  std::vector<std::size_t> confusion_;  // [truth × labels + predicted], of pairs_.
};

}  // namespace catdog::service
