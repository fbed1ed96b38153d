// SPDX-License-Identifier: Apache-2.0
#include "formats/json_body.hpp"

#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using test::problem_of;

std::string refusal(std::string_view text) {
  return problem_of([&] { parse_json_object(text, "the body"); });
}

TEST(JsonBody, ReadsAnObject) { EXPECT_EQ(parse_json_object(R"({"a": [1, "é"]})", "the body")["a"][1], "é"); }

TEST(JsonBody, NamesTheByteWhereItStopsBeingJson) {
  EXPECT_EQ(refusal(""), "400 malformed: the body isn't JSON in UTF-8 at byte 1");
  EXPECT_EQ(refusal(R"({"a" 1})"), "400 malformed: the body isn't JSON in UTF-8 at byte 6");
  EXPECT_EQ(refusal(R"({"a": 1} x)"), "400 malformed: the body isn't JSON in UTF-8 at byte 10");
  EXPECT_EQ(refusal(R"({"a": "cut)"), "400 malformed: the body isn't JSON in UTF-8 at byte 11");
  EXPECT_EQ(refusal("{\"a\": \"\xff\"}"), "400 malformed: the body isn't JSON in UTF-8 at byte 8");
}

TEST(JsonBody, WantsAnObject) { EXPECT_EQ(refusal("[1]"), "400 malformed: the body must be a JSON object"); }

TEST(JsonBody, RefusesNumbersOutOfRange) {
  EXPECT_EQ(refusal(R"({"a": 1e999})"), "400 malformed: the body has a number that is out of range");
}

TEST(JsonBody, DoesNotStopAtANul) {
  EXPECT_EQ(refusal(std::string_view("{}\0garbage", 10)), "400 malformed: the body isn't JSON: it has a NUL at byte 2");
}

TEST(JsonBody, LimitsDepth) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_EQ(refusal(nested(16)), "");
  EXPECT_EQ(refusal(nested(17)), "413 json-too-deep: the body nests deeper than 16 levels");
  EXPECT_EQ(refusal(nested(1000000)), "413 json-too-deep: the body nests deeper than 16 levels");
  EXPECT_EQ(refusal(std::string(1000000, '[')), "413 json-too-deep: the body nests deeper than 16 levels");
}

TEST(JsonBody, LimitsTheNumberOfValues) {
  const auto list = [](std::size_t count) {
    std::string text = R"({"a":[0)";
    for (std::size_t i = 1; i < count; ++i) text += ",0";
    return text + "]}";
  };
  const JsonLimits limits{4, 10};  // The object, the name and the list are three.
  EXPECT_EQ(problem_of([&] { parse_json_object(list(7), "the body", limits); }), "");
  EXPECT_EQ(problem_of([&] { parse_json_object(list(8), "the body", limits); }),
            "413 json-too-large: the body has more than 10 names and values");
  EXPECT_EQ(refusal(list(1000000)), "413 json-too-large: the body has more than 20000 names and values");
}

TEST(JsonBody, KnowsWholeNumbersHoweverTheyAreWritten) {
  const auto whole = [](const char* text) { return whole_number(nlohmann::json::parse(text)); };
  EXPECT_EQ(whole("7"), 7U);
  EXPECT_EQ(whole("7.0"), 7U);
  EXPECT_EQ(whole("0.0"), 0U);
  EXPECT_EQ(whole("1e3"), 1000U);
  EXPECT_EQ(whole("18446744073709551615"), 18446744073709551615U);
  for (const char* other : {"-1", "-1.0", "0.5", "1e300", "\"1\"", "true", "null", "[1]"}) {
    EXPECT_EQ(whole(other), std::nullopt) << other;
  }
}

TEST(JsonBody, ReplacesWhatIsNotUtf8WhenWriting) {
  EXPECT_EQ(dump_json(nlohmann::ordered_json::array({"a\xff"})), "[\"a\xef\xbf\xbd\"]");
}

}  // namespace
}  // namespace catdog::service
