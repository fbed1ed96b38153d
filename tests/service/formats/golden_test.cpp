// SPDX-License-Identifier: Apache-2.0
// Bodies as real clients sent them, byte for byte: curl 7.88, Python's requests 2.34, httpx 0.28,
// aiohttp 3.14, Node's fetch, Chromium 156. Each holds one image of a pixel, or two.
#include <fstream>
#include <iterator>
#include <ostream>

#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using test::make_request;
using test::problem_of;

struct Golden {
  const char* file;
  const char* content_type;
  std::vector<std::string> names;  // As the client gave them.
};

void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.file; }

const std::string pixel("GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;", 35);

std::string read(const std::string& name) {
  std::ifstream file(CATDOG_SOURCE_DIR "/tests/service/formats/golden/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class GoldenBody : public testing::TestWithParam<Golden> {};

TEST_P(GoldenBody, HoldsTheImagesThatWereSent) {
  const Request request = make_request(GetParam().content_type, read(GetParam().file));
  const std::vector<Upload> uploads = read_uploads(request, 2);
  ASSERT_EQ(uploads.size(), GetParam().names.size());
  for (std::size_t i = 0; i < uploads.size(); ++i) {
    EXPECT_EQ(uploads[i].bytes, pixel);
    EXPECT_EQ(uploads[i].name, GetParam().names[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Clients, GoldenBody,
    testing::Values(
        Golden{"curl.form", "multipart/form-data; boundary=------------------------9808c0092db50cc3", {"tiny.gif"}},
        Golden{"curl_two.form",
               "multipart/form-data; boundary=------------------------699e73a4d50ab939",
               {"ein %22großes%22 Kätzchen.gif", "tiny.gif"}},
        Golden{"requests.form", "multipart/form-data; boundary=3caf200c8d3bd8f88ce7285f4495215b", {"tiny.gif"}},
        Golden{"requests_two.form",
               "multipart/form-data; boundary=ac62b236b8ac139aa4d6693ca27c6a11",
               {"ein %22großes%22 Kätzchen.gif", "x"}},
        Golden{"httpx_two.form",
               "multipart/form-data; boundary=15740b66f70a1c15804d7348ed4ec538",
               {"ein %22großes%22 Kätzchen.gif", "tiny.gif"}},
        Golden{"aiohttp.form",
               "multipart/form-data; boundary=f6d5fbf6bfdd498e8c394dd05526beca",
               {"ein%20%22gro%C3%9Fes%22%20K%C3%A4tzchen.gif"}},
        Golden{"chromium_fetch_two.form",
               "multipart/form-data; boundary=----WebKitFormBoundaryKi9i4QziBBXcFGkm",
               {"ein %22großes%22 Kätzchen.gif", "tiny.gif"}},
        Golden{"chromium_blob.form", "multipart/form-data; boundary=----WebKitFormBoundaryu5AsFET5gFkqTq8U", {"blob"}},
        Golden{"chromium_form_one_unchosen.form",
               "multipart/form-data; boundary=----WebKitFormBoundaryoe4paKvXBhJDS5b0",
               {"tiny.gif"}},
        Golden{"node_fetch.form",
               "multipart/form-data; boundary=----formdata-undici-078775485305",
               {"Kätzchen %222%22.gif"}},
        Golden{"requests.json", "application/json", {""}}, Golden{"httpx_two.json", "application/json", {"", ""}},
        Golden{"curl_data_url.json", "application/json", {""}},
        Golden{"chromium_data_url.json", "application/json", {""}}),
    [](const auto& info) {
      std::string name = info.param.file;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return c == '.'; }, '_');
      return name;
    });

// Every file field of an HTML form in which nothing was chosen.
TEST(GoldenForm, SaysThatNothingWasChosen) {
  const std::string part =
      "------WebKitFormBoundaryPwuPeEK2Ch5lOCLm\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n\r\n";
  const Request request = make_request("multipart/form-data; boundary=----WebKitFormBoundaryPwuPeEK2Ch5lOCLm",
                                       part + part + "------WebKitFormBoundaryPwuPeEK2Ch5lOCLm--\r\n");
  EXPECT_EQ(problem_of([&] { read_uploads(request, 2); }), "400 malformed: field 'file' is empty: choose an image");
}

}  // namespace
}  // namespace catdog::service
