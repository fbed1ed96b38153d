// SPDX-License-Identifier: Apache-2.0
#include "formats/feedback.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using namespace std::chrono_literals;
using test::make_request;
using test::problem_of;

const std::vector<std::string> labels = {"cat", "dog"};

Feedback parse(const std::string& body) { return parse_feedback(make_request("application/json", body), labels); }

TEST(ParseFeedback, TakesLabelsByNameAndIndex) {
  EXPECT_EQ(parse(R"({"request_id": "a", "label": "dog"})").label, 1);
  EXPECT_EQ(parse(R"({"request_id": "a", "label": "CAT"})").label, 0);
  EXPECT_EQ(parse(R"({"request_id": "a", "label": 1})").label, 1);
  EXPECT_EQ(parse(R"({"request_id": "a", "label": 1.0})").label, 1);
  EXPECT_EQ(parse(R"({"request_id": "a", "label": 1})").request_id, "a");
}

TEST(ParseFeedback, SaysWhatIsWrong) {
  const auto refusal = [](const std::string& body) { return problem_of([&] { parse(body); }); };
  const std::string id =
      "400 malformed: the body must have 'request_id', the one of the answer that the feedback is about";
  EXPECT_EQ(refusal(R"({"label": "dog"})"), id);
  EXPECT_EQ(refusal(R"({"request_id": 7, "label": "dog"})"), id);
  EXPECT_EQ(refusal(R"({"request_id": "", "label": "dog"})"), id);
  EXPECT_EQ(refusal(R"({"request_id": "a"})"),
            "400 malformed: the body must have 'label', the true label of the picture");
  for (const char* label : {"\"fox\"", "2", "-1", "0.5", "null", "true", "[]", "18446744073709551615"}) {
    EXPECT_EQ(refusal(std::string(R"({"request_id": "a", "label": )") + label + "}"),
              "400 malformed: 'label' must be the true label: one of 'cat', 'dog' or its index")
        << label;
  }
  EXPECT_EQ(problem_of([] { parse_feedback(make_request("text/plain", "{}"), labels); }),
            "415 unsupported-media-type: the Content-Type must be application/json");
}

TEST(FeedbackWindow, KnowsAnswersOnce) {
  FeedbackWindow window({});
  window.remember("a", 1);
  EXPECT_EQ(window.record("b", 1), FeedbackOutcome::unknown);
  EXPECT_EQ(window.record("a", 1), FeedbackOutcome::recorded);
  EXPECT_EQ(window.record("a", 0), FeedbackOutcome::already_given);
  EXPECT_EQ(window.scores().window, 1U);
  window.remember("a", 0);  // A client that reuses its ids.
  EXPECT_EQ(window.remembered(), 1U);
  EXPECT_EQ(window.record("a", 1), FeedbackOutcome::recorded);
  EXPECT_DOUBLE_EQ(*window.scores().accuracy, 0.5);
}

TEST(FeedbackWindow, ForgetsTheOldestFirst) {
  FeedbackOptions options;
  options.max_answers = 2;
  FeedbackWindow window(options);
  for (const char* id : {"a", "b", "c"}) window.remember(id, 0);
  EXPECT_EQ(window.remembered(), 2U);
  EXPECT_EQ(window.record("a", 0), FeedbackOutcome::unknown);
  EXPECT_EQ(window.record("b", 0), FeedbackOutcome::recorded);
  window.remember("b", 0);  // Newer than c now.
  window.remember("d", 0);
  EXPECT_EQ(window.record("c", 0), FeedbackOutcome::unknown);
  EXPECT_EQ(window.record("b", 0), FeedbackOutcome::recorded);
}

TEST(FeedbackWindow, ForgetsWhatIsTooOld) {
  FeedbackOptions options;
  options.expiry = 60s;
  FeedbackWindow window(options);
  const Clock::time_point start{};
  window.remember("a", 0, start);
  window.remember("b", 0, start + 30s);
  EXPECT_EQ(window.record("a", 0, start + 60s), FeedbackOutcome::recorded);
  EXPECT_EQ(window.record("a", 0, start + 61s), FeedbackOutcome::unknown);
  EXPECT_EQ(window.remembered(), 1U);
  window.remember("c", 0, start + 91s);
  EXPECT_EQ(window.remembered(), 1U);
  EXPECT_EQ(window.record("b", 0, start + 91s), FeedbackOutcome::unknown);
}

TEST(FeedbackWindow, RemembersNothingUnbounded) {
  FeedbackWindow window({});
  window.remember(std::string(FeedbackWindow::max_id_bytes, 'x'), 0);
  EXPECT_EQ(window.remembered(), 1U);
  window.remember(std::string(FeedbackWindow::max_id_bytes + 1, 'x'), 0);
  window.remember("failed", -1);
  window.remember("odd", 2);
  EXPECT_EQ(window.remembered(), 1U);
  EXPECT_THROW(window.record("a", 2), std::invalid_argument);
  EXPECT_THROW(window.record("a", -1), std::invalid_argument);
}

TEST(FeedbackWindow, HasNoScoresWithoutFeedback) {
  const FeedbackScores scores = FeedbackWindow({}).scores();
  EXPECT_FALSE(scores.accuracy.has_value());
  ASSERT_EQ(scores.labels.size(), 2U);
  EXPECT_FALSE(scores.labels[0].precision.has_value());
  EXPECT_FALSE(scores.labels[0].recall.has_value());
  EXPECT_FALSE(scores.labels[0].f1.has_value());
}

void give(FeedbackWindow& window, int predicted, int truth, int times) {
  static std::atomic<int> number{0};
  for (int i = 0; i < times; ++i) {
    const std::string id = std::to_string(number++);
    window.remember(id, predicted);
    ASSERT_EQ(window.record(id, truth), FeedbackOutcome::recorded);
  }
}

TEST(FeedbackWindow, ScoresByLabel) {
  FeedbackWindow window({});
  give(window, 0, 0, 5);  // Cats: 5 found, 1 missed; 3 dogs taken for cats, 11 not.
  give(window, 1, 0, 1);
  give(window, 0, 1, 3);
  give(window, 1, 1, 11);
  const FeedbackScores scores = window.scores();
  EXPECT_EQ(scores.window, 20U);
  EXPECT_DOUBLE_EQ(*scores.accuracy, 16.0 / 20);
  EXPECT_DOUBLE_EQ(*scores.labels[0].precision, 5.0 / 8);
  EXPECT_DOUBLE_EQ(*scores.labels[0].recall, 5.0 / 6);
  EXPECT_DOUBLE_EQ(*scores.labels[0].f1, 10.0 / 14);
  EXPECT_EQ(scores.labels[0].support, 6U);
  EXPECT_DOUBLE_EQ(*scores.labels[1].precision, 11.0 / 12);
  EXPECT_DOUBLE_EQ(*scores.labels[1].recall, 11.0 / 14);
  EXPECT_DOUBLE_EQ(*scores.labels[1].f1, 22.0 / 26);
  EXPECT_EQ(scores.labels[1].support, 14U);
}

TEST(FeedbackWindow, NeverPredictedIsUndefinedAndAlwaysWrongIsZero) {
  FeedbackWindow window({});
  give(window, 0, 1, 2);
  const FeedbackScores scores = window.scores();
  EXPECT_FALSE(scores.labels[1].precision.has_value());
  EXPECT_DOUBLE_EQ(*scores.labels[1].recall, 0);
  EXPECT_DOUBLE_EQ(*scores.labels[1].f1, 0);
  EXPECT_FALSE(scores.labels[0].recall.has_value());
  EXPECT_DOUBLE_EQ(*scores.labels[0].precision, 0);
}

TEST(FeedbackWindow, Slides) {
  FeedbackOptions options;
  options.window = 4;
  FeedbackWindow window(options);
  give(window, 0, 1, 10);
  EXPECT_DOUBLE_EQ(*window.scores().accuracy, 0);
  give(window, 0, 0, 3);
  EXPECT_DOUBLE_EQ(*window.scores().accuracy, 0.75);
  give(window, 1, 1, 1);
  EXPECT_EQ(window.scores().window, 4U);
  EXPECT_DOUBLE_EQ(*window.scores().accuracy, 1);
  EXPECT_EQ(window.scores().labels[1].support, 1U);
}

TEST(FeedbackWindow, TakesThreads) {
  FeedbackWindow window({});
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&window] {
      give(window, 1, 1, 200);
      EXPECT_TRUE(window.scores().accuracy.has_value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(window.scores().window, 800U);
  EXPECT_EQ(window.remembered(), 800U);
}

}  // namespace
}  // namespace catdog::service
