// SPDX-License-Identifier: Apache-2.0
#include "codec/feedback.hpp"

#include <stdexcept>

#include "codec/json_body.hpp"
#include "codec/text.hpp"

namespace catdog::service {
namespace {

std::optional<double> ratio(std::size_t part, std::size_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

int label_index(const nlohmann::json& label, const std::vector<std::string>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool named = label.is_string() && equal_ignoring_case(label.get_ref<const std::string&>(), labels[i]);
    if (named || whole_number(label) == i) return static_cast<int>(i);
  }
  std::string known;
  for (const std::string& name : labels) known += (known.empty() ? "'" : ", '") + name + "'";
  malformed("'label' must be the true label: one of " + known + " or its index");
}

}  // namespace

Feedback parse_feedback(const Request& request, const std::vector<std::string>& labels) {
  refuse_content_encoding(request);
  if (media_essence(request.header("Content-Type")) != "application/json") {
    throw Problem(415, "unsupported-media-type", "the Content-Type must be application/json",
                  {{"Accept-Post", "application/json"}});
  }
  const nlohmann::json document = parse_json_object(request.body, "the body");
  const auto id = document.find("request_id");
  if (id == document.end() || !id->is_string() || id->get_ref<const std::string&>().empty()) {
    malformed("the body must have 'request_id', the one of the answer that the feedback is about");
  }
  const auto label = document.find("label");
  if (label == document.end()) malformed("the body must have 'label', the true label of the picture");
  return {id->get<std::string>(), label_index(*label, labels)};
}

FeedbackWindow::FeedbackWindow(const FeedbackOptions& options)
    : options_(options), confusion_(options.labels * options.labels) {}

void FeedbackWindow::forget_oldest() {
  by_id_.erase(answers_.front().id);
  answers_.pop_front();
}

void FeedbackWindow::remember(const std::string& request_id, int predicted_class, Clock::time_point now) {
  const bool known_class = predicted_class >= 0 && static_cast<std::size_t>(predicted_class) < options_.labels;
  if (request_id.size() > max_id_bytes || !known_class || options_.max_answers == 0) return;
  const std::lock_guard lock(mutex_);
  if (const auto earlier = by_id_.find(request_id); earlier != by_id_.end()) {
    const auto answer = earlier->second;
    by_id_.erase(earlier);
    answers_.erase(answer);
  }
  while (!answers_.empty() &&
         (answers_.size() >= options_.max_answers || now - answers_.front().at > options_.expiry)) {
    forget_oldest();
  }
  answers_.push_back({request_id, predicted_class, false, now});
  by_id_.emplace(answers_.back().id, std::prev(answers_.end()));
}

FeedbackOutcome FeedbackWindow::record(const std::string& request_id, int true_label, Clock::time_point now) {
  if (true_label < 0 || static_cast<std::size_t>(true_label) >= options_.labels) {
    throw std::invalid_argument("feedback with a label that the model doesn't have");
  }
  const std::lock_guard lock(mutex_);
  while (!answers_.empty() && now - answers_.front().at > options_.expiry) forget_oldest();
  const auto found = by_id_.find(request_id);
  if (found == by_id_.end()) return FeedbackOutcome::unknown;
  Answer& answer = *found->second;
  if (answer.given) return FeedbackOutcome::already_given;
  answer.given = true;
  if (options_.window == 0) return FeedbackOutcome::recorded;
  const auto cell = [&](const Pair& pair) -> std::size_t& {
    return confusion_[static_cast<std::size_t>(pair.truth) * options_.labels +
                      static_cast<std::size_t>(pair.predicted)];
  };
  if (pairs_.size() == options_.window) {
    --cell(pairs_.front());
    pairs_.pop_front();
  }
  pairs_.push_back({answer.predicted, true_label});
  ++cell(pairs_.back());
  return FeedbackOutcome::recorded;
}

FeedbackScores FeedbackWindow::scores() const {
  const std::lock_guard lock(mutex_);
  FeedbackScores scores;
  scores.window = pairs_.size();
  std::size_t right = 0;
  for (std::size_t label = 0; label < options_.labels; ++label) {
    const std::size_t hits = confusion_[label * options_.labels + label];
    std::size_t support = 0;
    std::size_t predicted = 0;
    for (std::size_t other = 0; other < options_.labels; ++other) {
      support += confusion_[label * options_.labels + other];
      predicted += confusion_[other * options_.labels + label];
    }
    right += hits;
    scores.labels.push_back(
        {ratio(hits, predicted), ratio(hits, support), ratio(2 * hits, predicted + support), support});
  }
  scores.accuracy = ratio(right, pairs_.size());
  return scores;
}

std::size_t FeedbackWindow::remembered() const {
  const std::lock_guard lock(mutex_);
  return answers_.size();
}

}  // namespace catdog::service
