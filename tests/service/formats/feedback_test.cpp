// SPDX-License-Identifier: Apache-2.0
#include "formats/feedback.hpp"

#include "formats/feedback_token.hpp"
#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using namespace std::chrono_literals;
using test::make_request;
using test::problem_of;

const std::vector<std::string> labels = {"cat", "dog"};

Feedback parse(const std::string& body) { return parse_feedback(make_request("application/json", body), labels); }

TEST(ParseFeedback, TakesLabelsByNameAndIndex) {
  EXPECT_EQ(parse(R"({"feedback_token": "a", "label": "dog"})").label, 1);
  EXPECT_EQ(parse(R"({"feedback_token": "a", "label": "CAT"})").label, 0);
  EXPECT_EQ(parse(R"({"feedback_token": "a", "label": 1})").label, 1);
  EXPECT_EQ(parse(R"({"feedback_token": "a", "label": 1.0})").label, 1);
  EXPECT_EQ(parse(R"({"feedback_token": "a", "label": 1})").token, "a");
}

TEST(ParseFeedback, SaysWhatIsWrong) {
  const auto refusal = [](const std::string& body) { return problem_of([&] { parse(body); }); };
  const std::string id =
      "400 malformed: the body must have 'feedback_token', the one of the answer that the feedback is about";
  EXPECT_EQ(refusal(R"({"label": "dog"})"), id);
  EXPECT_EQ(refusal(R"({"feedback_token": 7, "label": "dog"})"), id);
  EXPECT_EQ(refusal(R"({"feedback_token": "a"})"),
            "400 malformed: the body must have 'label', the true label of the image");
  for (const char* label : {"\"fox\"", "2", "-1", "0.5", "null", "true", "[]", "18446744073709551615"}) {
    EXPECT_EQ(refusal(std::string(R"({"feedback_token": "a", "label": )") + label + "}"),
              "400 malformed: 'label' must be the true label: one of 'cat', 'dog' or its index")
        << label;
  }
  EXPECT_EQ(problem_of([] { parse_feedback(make_request("text/plain", "{}"), labels); }),
            "415 unsupported-media-type: the Content-Type must be application/json");
}

TEST(FeedbackWindow, HasNoScoresWithoutFeedback) {
  const FeedbackScores scores = FeedbackWindow(2, 1000).scores();
  EXPECT_FALSE(scores.accuracy.has_value());
  ASSERT_EQ(scores.labels.size(), 2U);
  EXPECT_FALSE(scores.labels[0].precision.has_value());
  EXPECT_FALSE(scores.labels[0].recall.has_value());
  EXPECT_FALSE(scores.labels[0].f1.has_value());
}

void give(FeedbackWindow& window, int predicted, int truth, int times) {
  for (int i = 0; i < times; ++i) window.record(predicted, truth);
}

TEST(FeedbackWindow, ScoresByLabel) {
  FeedbackWindow window(2, 1000);
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
  FeedbackWindow window(2, 1000);
  give(window, 0, 1, 2);
  const FeedbackScores scores = window.scores();
  EXPECT_FALSE(scores.labels[1].precision.has_value());
  EXPECT_DOUBLE_EQ(*scores.labels[1].recall, 0);
  EXPECT_DOUBLE_EQ(*scores.labels[1].f1, 0);
  EXPECT_FALSE(scores.labels[0].recall.has_value());
  EXPECT_DOUBLE_EQ(*scores.labels[0].precision, 0);
}

TEST(FeedbackWindow, Slides) {
  FeedbackWindow window(2, 4);
  give(window, 0, 1, 10);
  EXPECT_DOUBLE_EQ(*window.scores().accuracy, 0);
  give(window, 0, 0, 3);
  EXPECT_DOUBLE_EQ(*window.scores().accuracy, 0.75);
  give(window, 1, 1, 1);
  EXPECT_EQ(window.scores().window, 4U);
  EXPECT_DOUBLE_EQ(*window.scores().accuracy, 1);
  EXPECT_EQ(window.scores().labels[1].support, 1U);
}

TEST(UsedTokens, KnowsTheLastOnes) {
  UsedTokens used(2);
  EXPECT_TRUE(used.use(1));
  EXPECT_FALSE(used.use(1));
  EXPECT_TRUE(used.use(2));
  EXPECT_TRUE(used.use(3));
  EXPECT_FALSE(used.use(3));
  EXPECT_TRUE(used.use(1));  // The oldest is forgotten.
}

constexpr const char* sha256 = "9cf480de76ff8e1e1fe7b21aca7fec668a0969fa40c47d6b2beb47055ce42774";

std::string refusal(const FeedbackTokens& tokens, std::string_view token) {
  const std::string problem = problem_of([&] { tokens.check(token); });
  return problem.substr(0, problem.find(':'));
}

TEST(FeedbackTokens, AnyInstanceWithTheKeyReadsThem) {
  const std::string token = FeedbackTokens("key").issue(1, sha256);
  const FeedbackClaim claim = FeedbackTokens("key").check(token);
  EXPECT_EQ(claim.predicted, 1);
  EXPECT_EQ(claim.model_sha256, sha256);
  EXPECT_NE(FeedbackTokens("key").check(FeedbackTokens("key").issue(1, sha256)).id, claim.id);
}

TEST(FeedbackTokens, RefusesForgedOnes) {
  const FeedbackTokens tokens("key");
  const std::string token = tokens.issue(1, sha256);
  EXPECT_EQ(refusal(FeedbackTokens("other"), token), "400 invalid-token");
  EXPECT_EQ(refusal(FeedbackTokens(""), FeedbackTokens("").issue(1, sha256)), "400 invalid-token");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string forged = token;
    forged[i] = forged[i] == '0' ? '1' : '0';
    EXPECT_EQ(refusal(tokens, forged), "400 invalid-token") << i;
    EXPECT_EQ(refusal(tokens, token.substr(0, i)), "400 invalid-token") << i;
  }
  EXPECT_EQ(refusal(tokens, token + "A"), "400 invalid-token");
}

TEST(FeedbackTokens, RefusesOldOnes) {
  const FeedbackTokens tokens("key", 60s);
  const auto now = std::chrono::system_clock::now();
  EXPECT_EQ(refusal(tokens, tokens.issue(1, sha256, now - 50s)), "");
  EXPECT_EQ(refusal(tokens, tokens.issue(1, sha256, now - 70s)), "400 expired-token");
}

}  // namespace
}  // namespace catdog::service
