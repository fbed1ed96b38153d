// SPDX-License-Identifier: Apache-2.0
#include "formats/media_type.hpp"

#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using test::problem_of;

TEST(MediaType, ReadsTypeAndParameters) {
  const MediaType type = parse_media_type(" Multipart/Form-Data ; Charset=utf-8;BOUNDARY=\"a b\";", "Content-Type");
  EXPECT_EQ(type.essence, "multipart/form-data");
  ASSERT_NE(type.parameter("charset"), nullptr);
  EXPECT_EQ(*type.parameter("charset"), "utf-8");
  ASSERT_NE(type.parameter("boundary"), nullptr);
  EXPECT_EQ(*type.parameter("boundary"), "a b");
  EXPECT_EQ(type.parameter("q"), nullptr);
}

TEST(MediaType, UnescapesQuotesAndKeepsThePathsOfWindows) {
  const MediaType type = parse_media_type(R"(form-data; a="x\"y\\z"; b="C:\cats\tom.jpg")", "x");
  EXPECT_EQ(*type.parameter("a"), R"(x"y\z)");
  EXPECT_EQ(*type.parameter("b"), R"(C:\cats\tom.jpg)");
}

TEST(MediaType, KeepsBytesThatAreNotUtf8) {
  EXPECT_EQ(*parse_media_type("form-data; filename=\"k\xe4tzchen\"", "x").parameter("filename"), "k\xe4tzchen");
}

TEST(MediaType, SaysWhatIsWrong) {
  const auto refusal = [](std::string_view text) { return problem_of([&] { parse_media_type(text, "It"); }); };
  EXPECT_EQ(refusal(""), "400 malformed: It lacks a type at byte 0");
  EXPECT_EQ(refusal("image/"), "400 malformed: It lacks a subtype at byte 6");
  EXPECT_EQ(refusal("a/b; =c"), "400 malformed: It lacks a parameter's name at byte 5");
  EXPECT_EQ(refusal("a/b; c"), "400 malformed: It has no '=' after parameter 'c'");
  EXPECT_EQ(refusal("a/b; c="), "400 malformed: It lacks the value of 'c' at byte 7");
  EXPECT_EQ(refusal("a/b; c=\"d"), "400 malformed: It has no closing quote after parameter 'c'");
  EXPECT_EQ(refusal("a/b; c=\"d\\\""), "400 malformed: It has no closing quote after parameter 'c'");
  EXPECT_EQ(refusal("a/b; c=d; C=e"), "400 malformed: It has parameter 'c' twice");
  EXPECT_EQ(refusal("a/b c"), "400 malformed: It has something that is no parameter at byte 4");
  EXPECT_EQ(refusal(std::string_view("a/b; c=\"\0\"", 10)),
            "400 malformed: It has a control character in parameter 'c'");
}

}  // namespace
}  // namespace catdog::service
