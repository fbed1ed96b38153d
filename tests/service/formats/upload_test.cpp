// SPDX-License-Identifier: Apache-2.0
#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using test::make_request;
using test::points_into;
using test::problem_of;

constexpr const char* form_type = "multipart/form-data; boundary=B";

std::string field(const std::string& name, const std::string& content) {
  return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"" + content + ".jpg\"\r\n\r\n" +
         content + "\r\n";
}

std::string upload_refusal(const Request& request) {
  return problem_of([&] { read_uploads(request, 3); });
}

TEST(Uploads, TakesARawBodyAsItIs) {
  for (const char* type : {"image/jpeg", "IMAGE/x-whatever; q=1", "application/octet-stream", "", "text/plain",
                           "application/x-www-form-urlencoded", "imag", "\"\xff;"}) {
    const Request request = make_request(type, "image");
    const std::vector<Upload> uploads = read_uploads(request, 1);
    ASSERT_EQ(uploads.size(), 1U) << type;
    EXPECT_EQ(uploads[0].bytes.data(), request.body.data());
    EXPECT_EQ(uploads[0].bytes.size(), 5U);
    EXPECT_EQ(uploads[0].name, "");
  }
  EXPECT_EQ(upload_refusal(make_request("image/png", "")), "400 malformed: the body is empty: send an image");
}

TEST(Uploads, TakesTheFileFieldsOfAFormInOrder) {
  const Request request =
      make_request(form_type, field("file", "one") + field("note", "x") + field("file", "two") + "--B--\r\n");
  const std::vector<Upload> uploads = read_uploads(request, 2);
  ASSERT_EQ(uploads.size(), 2U);
  EXPECT_EQ(uploads[0].name, "one.jpg");
  EXPECT_EQ(uploads[0].bytes, "one");
  EXPECT_TRUE(points_into(uploads[0].bytes, request.body));
  EXPECT_EQ(uploads[1].name, "two.jpg");
  EXPECT_EQ(uploads[1].bytes, "two");
}

TEST(Uploads, RefusesFormsWithoutImages) {
  EXPECT_EQ(upload_refusal(make_request(form_type, field("image", "x") + "--B--")),
            "400 malformed: the form has no field 'file'");
  EXPECT_EQ(upload_refusal(make_request(form_type, "--B--")), "400 malformed: the form has no field 'file'");
  EXPECT_EQ(upload_refusal(make_request(form_type, field("file", "") + "--B--")),
            "400 malformed: field 'file' is empty: choose an image");
  EXPECT_EQ(upload_refusal(make_request("multipart/form-data", "--B--")),
            "400 malformed: Content-Type has no boundary: multipart/form-data needs one");
}

TEST(Uploads, AnEmptyFileAmongSeveralIsOneOfThem) {
  const Request request = make_request(form_type, field("file", "x") + field("file", "") + "--B--");
  const std::vector<Upload> uploads = read_uploads(request, 2);
  ASSERT_EQ(uploads.size(), 2U);
  EXPECT_EQ(uploads[1].bytes, "");
  const Request json = make_request("application/json", R"({"images": ["Zg==", ""]})");
  EXPECT_EQ(read_uploads(json, 2).size(), 2U);
}

TEST(Uploads, LimitsTheImages) {
  const std::string refused = "413 too-many-pictures: at most 3 images a request: send the others in another one";
  std::string form;
  for (int i = 0; i < 3; ++i) form += field("file", "x");
  EXPECT_EQ(upload_refusal(make_request(form_type, form + "--B--")), "");
  EXPECT_EQ(upload_refusal(make_request(form_type, form + field("file", "x") + "--B--")), refused);
  EXPECT_EQ(upload_refusal(make_request("application/json", R"({"images": ["Zg==", "Zg==", "Zg=="]})")), "");
  EXPECT_EQ(upload_refusal(make_request("application/json", R"({"images": ["Zg==", "Zg==", "Zg==", "Zg=="]})")),
            refused);
}

TEST(Uploads, AllowsAsManyPartsAsImages) {
  std::string form;
  for (int i = 0; i < 500; ++i) form += field("file", "x");
  EXPECT_EQ(read_uploads(make_request(form_type, form + "--B--"), 500).size(), 500U);
}

TEST(Uploads, DecodesJson) {
  const std::vector<Upload> one = read_uploads(
      make_request("application/json; charset=utf-8", R"({"image": "data:image/png;base64,Zm9v", "x": 1})"), 1);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].bytes, "foo");
  const std::vector<Upload> several =
      read_uploads(make_request("application/json", R"({"images": ["Zg==", "Zm8", "Zm9v"]})"), 3);
  ASSERT_EQ(several.size(), 3U);
  EXPECT_EQ(several[0].bytes, "f");
  EXPECT_EQ(several[1].bytes, "fo");
  EXPECT_EQ(several[2].bytes, "foo");
  for (const Upload& upload : several) EXPECT_EQ(upload.bytes.data(), upload.owned.data());
}

TEST(Uploads, SaysWhatIsWrongWithJson) {
  const auto with = [](const std::string& body) { return upload_refusal(make_request("application/json", body)); };
  const std::string either =
      "400 malformed: the body must have either 'image' (a base64 string) or 'images' (a list of them)";
  EXPECT_EQ(with("{}"), either);
  EXPECT_EQ(with(R"({"image": "Zg==", "images": ["Zg=="]})"), either);
  EXPECT_EQ(with(R"({"image": 1})"), "400 malformed: 'image' must be a base64 string");
  EXPECT_EQ(with(R"({"image": ""})"), "400 malformed: 'image' is empty");
  EXPECT_EQ(with(R"({"image": "data:;base64,"})"), "400 malformed: 'image' is empty");
  EXPECT_EQ(with(R"({"images": []})"), "400 malformed: 'images' must be a list of base64 strings that isn't empty");
  EXPECT_EQ(with(R"({"images": "Zg=="})"), "400 malformed: 'images' must be a list of base64 strings that isn't empty");
  EXPECT_EQ(with(R"({"images": ["Zg==", "!"]})"), "400 malformed: 'images[1]' isn't base64 at character 0");
  EXPECT_EQ(with("{"), "400 malformed: the body isn't JSON in UTF-8 at byte 2");
}

TEST(Uploads, RefusesOtherForms) {
  try {
    read_uploads(make_request("multipart/mixed; boundary=B", "x"), 1);
    ADD_FAILURE();
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.status(), 415);
    EXPECT_EQ(problem.type(), "unsupported-media-type");
    ASSERT_EQ(problem.headers().size(), 1U);
    EXPECT_EQ(problem.headers()[0].name, "Accept-Post");
  }
}

}  // namespace
}  // namespace catdog::service
