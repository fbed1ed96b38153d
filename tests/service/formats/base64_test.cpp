// SPDX-License-Identifier: Apache-2.0
#include "formats/base64.hpp"

#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using test::problem_of;

TEST(Base64, DecodesTheVectorsOfRfc4648) {
  EXPECT_EQ(decode_base64("", "x"), "");
  EXPECT_EQ(decode_base64("Zg==", "x"), "f");
  EXPECT_EQ(decode_base64("Zm8=", "x"), "fo");
  EXPECT_EQ(decode_base64("Zm9v", "x"), "foo");
  EXPECT_EQ(decode_base64("Zm9vYg==", "x"), "foob");
  EXPECT_EQ(decode_base64("Zm9vYmE=", "x"), "fooba");
  EXPECT_EQ(decode_base64("Zm9vYmFy", "x"), "foobar");
}

TEST(Base64, DecodesEachByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(
      decode_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZH"
                    "SElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6P"
                    "kJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX"
                    "2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w==",
                    "x"),
      bytes);
}

TEST(Base64, TakesTheUrlAlphabetAndMissingPadding) {
  EXPECT_EQ(decode_base64("-_-_", "x"), decode_base64("+/+/", "x"));
  EXPECT_EQ(decode_base64("Zg", "x"), "f");
  EXPECT_EQ(decode_base64("Zm8", "x"), "fo");
}

struct Case {
  const char* text;
  const char* detail;
};

class Base64Refuses : public testing::TestWithParam<Case> {};

TEST_P(Base64Refuses, SayingWhy) {
  EXPECT_EQ(problem_of([] { decode_base64(GetParam().text, "'image'"); }),
            std::string("400 malformed: 'image' ") + GetParam().detail);
}

INSTANTIATE_TEST_SUITE_P(Cases, Base64Refuses,
                         testing::Values(Case{"Zm9vY", "isn't base64: its length or padding is wrong"},
                                         Case{"Zg=", "isn't base64: its length or padding is wrong"},
                                         Case{"Zg===", "isn't base64: its length or padding is wrong"},
                                         Case{"Z===", "isn't base64: its length or padding is wrong"},
                                         Case{"====", "isn't base64: its length or padding is wrong"},
                                         Case{"Zm9v====", "isn't base64: its length or padding is wrong"},
                                         Case{"Zg=x", "isn't base64: it goes on after its padding"},
                                         Case{"Zm9v\nZm9v", "isn't base64 at character 4"},
                                         Case{"Zm 9v", "isn't base64 at character 2"},
                                         Case{"Zm9\xff", "isn't base64 at character 3"},
                                         Case{"+/-_", "mixes the standard and the URL alphabet of base64"},
                                         Case{"Zh==", "isn't base64: its last character has bits that no byte uses"},
                                         Case{"Zm9=", "isn't base64: its last character has bits that no byte uses"}),
                         [](const testing::TestParamInfo<Case>& info) { return "N" + std::to_string(info.index); });

TEST(Base64, TakesADataUrlWhateverItsType) {
  EXPECT_EQ(decode_base64_image("data:image/jpeg;base64,Zm9v", "x"), "foo");
  EXPECT_EQ(decode_base64_image("DATA:;BASE64,Zm9v", "x"), "foo");
  EXPECT_EQ(decode_base64_image("Zm9v", "x"), "foo");
}

TEST(Base64, RefusesADataUrlThatIsNotBase64) {
  const std::string detail = "400 malformed: 'image' is a data: URL without ';base64,'";
  for (const std::string text : {"data:", "data:,Zm9v", "data:image/png,Zm9v", "data:base64,Zm9v"}) {
    EXPECT_EQ(problem_of([&] { decode_base64_image(text, "'image'"); }), detail) << text;
  }
  const std::string far = "data:" + std::string(300, 'x') + ";base64,Zm9v";
  EXPECT_EQ(problem_of([&] { decode_base64_image(far, "'image'"); }), detail);
}

// Views of the text must outlive a move of the string that holds it.
TEST(Base64, NeverStaysInsideTheStringObject) {
  std::string text = decode_base64("Zg==", "x");
  const void* const data = text.data();
  const std::string moved = std::move(text);
  EXPECT_TRUE(static_cast<const void*>(moved.data()) == data);
}

}  // namespace
}  // namespace catdog::service
