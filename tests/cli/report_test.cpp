// SPDX-License-Identifier: Apache-2.0
// The HTML page of `catdog evaluate --report`.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <regex>

#include "cli/cli_fixture.hpp"

namespace catdog::cli_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// Every tag is closed in its turn, and the page asks for nothing from outside.
void expect_sound(const std::string& page) {
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_EQ(count(page, "src=\""), count(page, "src=\"data:image/"));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("href=")), Not(HasSubstr("url(")), Not(HasSubstr("://"))));
  const std::regex tag("<(/?)([a-z][a-z0-9]*)[^>]*?(/?)>");
  std::vector<std::string> open;
  std::string body = page.substr(page.find("</style>") + 8);
  body = std::regex_replace(body, std::regex("base64,[^\"]*"), "");
  EXPECT_THAT(body, Not(HasSubstr("nan")));
  open = {"html", "head"};
  for (std::sregex_iterator match(body.begin(), body.end(), tag); match != std::sregex_iterator(); ++match) {
    const std::string name = (*match)[2];
    if ((*match)[3].length() > 0 || name == "br" || name == "img" || name == "meta") continue;
    if ((*match)[1].length() == 0) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << name;
    ASSERT_EQ(open.back(), name);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

class Report : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    image("d/cat/1.png", true);
    image("d/cat/2.png", false);  // Called a dog.
    image("d/dog/3.png", false);
    image("d/dog/4.png", false);
  }
  std::string report(const std::string& arguments, int code = 0) const {
    EXPECT_EQ(run("evaluate " + arguments + " --report out.html >log 2>&1").code, code) << read("log");
    const std::string page = read("out.html");
    expect_sound(page);
    return page;
  }
};

TEST_F(Report, HoldsTheFiguresAndTheModel) {
  const std::string page = report("d");
  // Wilson's interval of 3 in 4.
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">Accuracy</th><td>0.7500</td><td>0.3006 to 0.9544</td>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">AUC</th><td>0.7500</td><td>0.5000 to 1.0000</td>"));
  // Cats: 1 of 2 found, and nothing else is called a cat.
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">cat</th><td>2</td><td>0.5000 (0.0945 to 0.9055)</td>"
                              "<td>1.0000 (0.2065 to 1.0000)</td><td>0.6667 ("));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">cat</th><td>1</td><td>1</td></tr>\n"
                              "<tr><th scope=\"row\">dog</th><td>0</td><td>2</td></tr>"));
  const std::string info = run("info --json").out;
  const std::string key = "\"sha256\": \"";
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">SHA-256</th><td>" + info.substr(info.find(key) + key.size(), 64)));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">png</th><td>4</td><td>0.7500</td>"));
  EXPECT_EQ(count(page, "<svg role=\"img\""), 4U);
  EXPECT_EQ(count(page, "<desc>"), 4U);
  EXPECT_THAT(page, Not(HasSubstr("Images that show no label")));
  EXPECT_EQ(report("d"), page);  // The same bytes each time.
}

TEST_F(Report, GroupsByFormatAndShorterSide) {
  test_support::Pixels wide{200, 64, {}};
  for (int i = 0; i < 200 * 64; ++i) wide.rgb.insert(wide.rgb.end(), {0, 0, 255});
  write("d/cat/wide.jpg", test_support::encode_jpeg(wide));  // Called a dog.
  const std::string page = report("d");
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">jpeg</th><td>1</td><td>0.0000</td>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">png</th><td>4</td><td>0.7500</td>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">below 64</th><td>4</td><td>0.7500</td>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">64 to 127</th><td>1</td><td>0.0000</td>"));
  // The worst mistake's bytes are the file's.
  EXPECT_THAT(page, HasSubstr("<img alt=\"cat that was called dog\" src=\"data:image/jpeg;base64,/9j/"));
  const std::regex uri("base64,([^\"]*)\">cat called dog [0-9.]*<br><code><bdi>d/cat/2.png");
  std::smatch found;
  const std::string end = page.substr(page.find("data:image/png"));
  ASSERT_TRUE(std::regex_search(end, found, uri));
  std::ofstream(folder_ / "encoded") << found[1];
  EXPECT_EQ(std::system(("base64 -d '" + (folder_ / "encoded").string() + "' | cmp - '" +
                         (folder_ / "d/cat/2.png").string() + "'")
                            .c_str()),
            0);
}

TEST_F(Report, ImagesOfNoLabelHaveTheirOwnSection) {
  plain_image("others/green.png", 0, 255, 0);
  plain_image("others/blue.png", 0, 0, 255);  // Called a dog.
  const std::string page = report("d --model open.pt --negatives others");
  EXPECT_THAT(page, HasSubstr("<h2>Images that show no label</h2>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">Called “neither”</th><td>0.5000</td>"));
  // One stranger scores above all, the other as high as all: (4 + 2) / 8.
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">AUC of the score for neither</th><td>0.7500</td>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">neither</th><td>0</td><td>1</td><td>1</td><td>0</td>"));
  EXPECT_EQ(count(page, "<svg role=\"img\""), 6U);
  EXPECT_THAT(page, HasSubstr("neither called dog"));
  EXPECT_THAT(report("d --negatives others"), HasSubstr("This model has no score for neither."));
}

TEST_F(Report, ShowsTheSurestMistakesFirst) {
  for (int i = 0; i < 30; ++i) {
    plain_image("d/cat/wrong" + std::to_string(i) + ".png", 0, 0, std::uint8_t(100 + i));
  }
  const std::string page = report("d");
  EXPECT_THAT(page, HasSubstr("31 answers are wrong; the 24 surest of them"));
  EXPECT_EQ(count(page, "<img "), 24U);
  const std::size_t first = page.find("d/cat/2.png");
  const std::size_t second = page.find("wrong29.png");
  EXPECT_LT(first, second);
  EXPECT_LT(second, page.find("wrong28.png"));
  EXPECT_THAT(page, Not(HasSubstr("wrong6.png")));
  // "uncertain" is no mistake.
  EXPECT_THAT(report("d --abstain-below 1"), HasSubstr("0 answers are wrong."));
}

TEST_F(Report, ABigImageIsNamedOnly) {
  test_support::Pixels noise{300, 300, {}};
  unsigned state = 1;
  for (int i = 0; i < 300 * 300; ++i) {
    state = state * 1664525 + 1013904223;
    noise.rgb.insert(noise.rgb.end(), {0, std::uint8_t(state >> 24), std::uint8_t(128 + (state >> 17 & 127))});
  }
  write("d/cat/big.png", test_support::encode_png(noise));
  ASSERT_GT(fs::file_size(folder_ / "d/cat/big.png"), 100'000U);
  const std::string page = report("d");
  EXPECT_EQ(count(page, "<img "), 1U);
  EXPECT_EQ(count(page, "not embedded"), 1U);
  EXPECT_THAT(page, HasSubstr("d/cat/big.png"));
}

TEST_F(Report, FileNamesAreNoMarkup) {
  image("d/cat/<b onclick='x'>&amp;\".png", false);
  image("d/cat/not\xffutf8.png", false);
  damaged("d/dog/<i>.png");
  const std::string page = report("d", 1);
  EXPECT_THAT(page, HasSubstr("d/cat/&lt;b onclick=&#39;x&#39;&gt;&amp;amp;&quot;.png"));
  EXPECT_THAT(page, HasSubstr("d/cat/not\xef\xbf\xbdutf8.png"));
  EXPECT_THAT(page, HasSubstr("<li><code><bdi>d/dog/&lt;i&gt;.png</bdi></code>: unsupported</li>"));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<b ")), Not(HasSubstr("<i>")), Not(HasSubstr("\xff"))));
}

TEST_F(Report, AClassWithoutAReadableImageHasNoFigures) {
  damaged("d/dog/3.png");
  damaged("d/dog/4.png");
  const std::string page = report("d", 1);
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">dog</th><td>0</td><td>–</td><td>0.0000 (0.0000 to 0.7935)</td>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">AUC</th><td>–</td><td>–</td>"));
  EXPECT_THAT(page, HasSubstr("<figcaption>ROC curve</figcaption>\n<p>No image"));
  // No image of a label at all, only one of none.
  damaged("d/cat/1.png");
  damaged("d/cat/2.png");
  plain_image("d/neither/green.png", 0, 255, 0);
  const std::string strangers = report("d --model open.pt", 1);
  EXPECT_THAT(strangers, HasSubstr("<th scope=\"row\">Accuracy</th><td>–</td><td>–</td>"));
  EXPECT_THAT(strangers, HasSubstr("<th scope=\"row\">Called “neither”</th><td>1.0000</td>"));
}

TEST_F(Report, AnUnwritablePathIsNamed) {
  const Outcome missing = run("evaluate d --report none/out.html 2>&1");
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.out, HasSubstr("can't write 'none/out.html'"));
  const Outcome full = run("evaluate d --report /dev/full 2>&1");
  EXPECT_EQ(full.code, 4);
  EXPECT_THAT(full.out, HasSubstr("can't write all of '/dev/full'"));
}

TEST_F(Report, AnInterruptedRunSaysSo) {
  std::ofstream list(folder_ / "list");
  list << "cat/1.png\ndog/3.png\n";
  for (int i = 0; i < 20'000; ++i) list << "dog/missing.png\n";
  list.close();
  ASSERT_EQ(mkfifo((folder_ / "complaints").c_str(), 0600), 0);
  // The complaints fill the pipe, so that the run is under way for as long as nobody reads on.
  const Outcome outcome =
      run("evaluate d --list list --report out.html >log 2>complaints & run=$!; exec 3<complaints; "
          "head -c 1 <&3 >/dev/null; kill -INT $run; cat <&3 >/dev/null; wait $run");
  EXPECT_EQ(outcome.code, 130);
  const std::string page = read("out.html");
  expect_sound(page);
  EXPECT_THAT(page, HasSubstr("The run was interrupted: these are the first"));
  EXPECT_THAT(page, HasSubstr("images of 20002."));
}

}  // namespace
}  // namespace catdog::cli_tests
