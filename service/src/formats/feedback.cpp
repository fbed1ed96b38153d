// SPDX-License-Identifier: Apache-2.0
#include "formats/feedback.hpp"

#include "formats/json_body.hpp"
#include "formats/text.hpp"

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
  if (media_essence(request.header("Content-Type")) != "application/json") {
    throw Problem(415, "unsupported-media-type", "the Content-Type must be application/json",
                  {{"Accept-Post", "application/json"}});
  }
  const nlohmann::json document = parse_json_object(request.body, "the body");
  const auto token = document.find("feedback_token");
  if (token == document.end() || !token->is_string()) {
    malformed("the body must have 'feedback_token', the one of the answer that the feedback is about");
  }
  const auto label = document.find("label");
  if (label == document.end()) malformed("the body must have 'label', the true label of the image");
  return {token->get<std::string>(), label_index(*label, labels)};
}

FeedbackWindow::FeedbackWindow(std::size_t labels, std::size_t window)
    : labels_(labels), window_(window), confusion_(labels * labels) {}

void FeedbackWindow::record(int predicted, int truth) {
  if (pairs_.size() == window_) {
    --cell(pairs_.front());
    pairs_.pop_front();
  }
  const Pair pair{static_cast<std::size_t>(predicted), static_cast<std::size_t>(truth)};
  ++cell(pair);
  pairs_.push_back(pair);
}

FeedbackScores FeedbackWindow::scores() const {
  FeedbackScores scores;
  scores.window = pairs_.size();
  std::size_t right = 0;
  for (std::size_t label = 0; label < labels_; ++label) {
    const std::size_t hits = confusion_[label * labels_ + label];
    std::size_t support = 0;
    std::size_t predicted = 0;
    for (std::size_t other = 0; other < labels_; ++other) {
      support += confusion_[label * labels_ + other];
      predicted += confusion_[other * labels_ + label];
    }
    right += hits;
    scores.labels.push_back(
        {ratio(hits, predicted), ratio(hits, support), ratio(2 * hits, predicted + support), support});
  }
  scores.accuracy = ratio(right, pairs_.size());
  return scores;
}

bool UsedTokens::use(std::uint64_t id) {
  if (!known_.insert(id).second) return false;
  order_.push_back(id);
  if (order_.size() > most_) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return true;
}

}  // namespace catdog::service
