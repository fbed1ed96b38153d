// SPDX-License-Identifier: Apache-2.0
#include "formats/multipart.hpp"

#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using test::points_into;
using test::problem_of;

constexpr const char* file_header = "Content-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n";

std::string part(const std::string& header, const std::string& content) {
  return "--B\r\n" + header + "\r\n" + content + "\r\n";
}

std::string multipart_refusal(const std::string& body) {
  return problem_of([&] { parse_multipart(body, "B"); });
}

TEST(Multipart, ReadsPartsWithoutCopyingThem) {
  const std::string image("\xff\xd8\0--B\r\n-- \r\n", 13);
  const std::string body = part(std::string(file_header) + "Content-Type: image/jpeg\r\n", image) +
                           part("content-disposition: FORM-DATA; NAME=note\r\nX-Other: 1\r\n", "hello") + "--B--\r\n";
  const std::vector<FormPart> parts = parse_multipart(body, "B");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "file");
  EXPECT_EQ(parts[0].filename, "a.jpg");
  EXPECT_EQ(parts[0].content_type, "image/jpeg");
  EXPECT_EQ(parts[0].bytes, image);
  EXPECT_TRUE(points_into(parts[0].bytes, body));
  EXPECT_EQ(parts[1].name, "note");
  EXPECT_EQ(parts[1].filename, "");
  EXPECT_EQ(parts[1].bytes, "hello");
}

TEST(Multipart, TakesPaddingALeadingLineBreakAndNoFinalOne) {
  const std::string body = std::string("\r\n--B \t\r\n") + file_header + "\r\nx\r\n--B-- ";
  ASSERT_EQ(parse_multipart(body, "B").size(), 1U);
  EXPECT_EQ(parse_multipart(body, "B")[0].bytes, "x");
}

TEST(Multipart, ReadsEmptyPartsAndForms) {
  ASSERT_EQ(parse_multipart(part(file_header, "") + "--B--", "B").size(), 1U);
  EXPECT_EQ(parse_multipart(part(file_header, "") + "--B--", "B")[0].bytes, "");
  // The blank line's CR LF may be the delimiter's too.
  const std::string shared = std::string("--B\r\n") + file_header + "\r\n--B--";
  ASSERT_EQ(parse_multipart(shared, "B").size(), 1U);
  EXPECT_EQ(parse_multipart(shared, "B")[0].bytes, "");
  EXPECT_TRUE(parse_multipart("--B--\r\n", "B").empty());
}

TEST(Multipart, KeepsNamesThatAreNotUtf8) {
  const std::string body =
      part("Content-Disposition: form-data; name=\"file\"; filename=\"k\xe4tz\xc3\"\r\n", "x") + "--B--";
  EXPECT_EQ(parse_multipart(body, "B").at(0).filename, "k\xe4tz\xc3");
}

TEST(Multipart, RefusesABodyThatIsNotFramedAsItMustBe) {
  EXPECT_EQ(multipart_refusal(""), "400 malformed: the multipart body is empty");
  EXPECT_EQ(multipart_refusal("hello"), "400 malformed: the multipart body lacks the boundary that Content-Type names");
  EXPECT_EQ(multipart_refusal("preamble--B--"),
            "400 malformed: the multipart body lacks the boundary that Content-Type names");
  EXPECT_EQ(multipart_refusal(std::string("--B\n") + file_header),
            "400 malformed: a boundary line of the multipart body isn't followed by CR LF at byte 3");
  EXPECT_EQ(multipart_refusal(part(file_header, "x\r\n--Bx") + "--B--"),
            "400 malformed: a boundary line of the multipart body isn't followed by CR LF at byte 76");
}

TEST(Multipart, IgnoresWhatStandsAroundTheParts) {
  for (const char* before : {"", "\r\n", "\r\n\r\n", "This is a multi-part message.\r\n", "--C\r\n"}) {
    for (const char* after : {"", "\r\n", "\n", "\r\n\r\n", "  \r\n", "\r\nepilogue\r\n--B\r\n"}) {
      const std::string body = before + part(file_header, "x") + "--B--" + after;
      const std::vector<FormPart> parts = parse_multipart(body, "B");
      ASSERT_EQ(parts.size(), 1U) << before << after;
      EXPECT_EQ(parts[0].bytes, "x");
    }
  }
}

TEST(Multipart, SaysWhereABodyWasCutOff) {
  const std::string whole = part(file_header, "some bytes") + part(file_header, "more") + "--B--";
  EXPECT_EQ(multipart_refusal(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(multipart_refusal(whole.substr(0, size)), testing::StartsWith("400 malformed: ")) << size;
  }
  EXPECT_EQ(multipart_refusal("--B"), "400 malformed: the multipart body ends in a boundary line: it was cut off");
  EXPECT_EQ(multipart_refusal("--B\r\nContent-Disp"),
            "400 malformed: the header of part 1 has no end: the body was cut off");
  EXPECT_EQ(multipart_refusal(part(file_header, "x")),
            "400 malformed: part 1 of the form isn't ended by the boundary: the body was cut off");
}

TEST(Multipart, RefusesHeadersItCannotTrust) {
  const auto with = [](const std::string& header) { return multipart_refusal(part(header, "x") + "--B--"); };
  EXPECT_EQ(with(""), "400 malformed: part 1 of the form has no Content-Disposition");
  EXPECT_EQ(with("Content-Type: image/png\r\n"), "400 malformed: part 1 of the form has no Content-Disposition");
  EXPECT_EQ(with(std::string(file_header) + file_header),
            "400 malformed: part 1 of the form has two Content-Dispositions");
  EXPECT_EQ(with("Content-Disposition: attachment; name=file\r\n"),
            "400 malformed: the Content-Disposition of part 1 isn't form-data");
  EXPECT_EQ(with("Content-Disposition: form-data\r\n"), "400 malformed: the Content-Disposition of part 1 has no name");
  EXPECT_EQ(with("Content-Disposition: form-data; name=\"\"\r\n"),
            "400 malformed: the Content-Disposition of part 1 has no name");
  EXPECT_EQ(with("Content-Disposition: form-data; name=a; name=file\r\n"),
            "400 malformed: the Content-Disposition of part 1 has parameter 'name' twice");
  const std::string line = "400 malformed: the header of part 1 has a line that isn't 'Name: value'";
  EXPECT_EQ(with(std::string(file_header) + " folded\r\n"), line);
  EXPECT_EQ(with(std::string(file_header) + "nonsense\r\n"), line);
  EXPECT_EQ(with(std::string(file_header) + ": x\r\n"), line);
  EXPECT_EQ(with(std::string(file_header) + "A b: x\r\n"), line);
  const std::string control = "400 malformed: the header of part 1 has a control character";
  EXPECT_EQ(with(std::string("Content-Disposition: form-data; name=\"fi\0le\"\r\n", 46)), control);
  EXPECT_EQ(with("Content-Disposition: form-data; name=\"file\"\nX: y\r\n"), control);
}

TEST(Multipart, RefusesNestedFormsAndTransferEncodings) {
  const auto with = [](const std::string& header) {
    return multipart_refusal(part(file_header + header, "x") + "--B--");
  };
  EXPECT_EQ(with("Content-Type: Multipart/mixed; boundary=C\r\n"),
            "400 malformed: part 1 of the form is multipart itself: send each image as a 'file' field of its own");
  EXPECT_EQ(with("Content-Transfer-Encoding: base64\r\n"),
            "400 malformed: part 1 of the form has a Content-Transfer-Encoding: send the bytes as they are");
  for (const char* plain : {"binary", "8BIT", "7bit"}) {
    EXPECT_EQ(with(std::string("Content-Transfer-Encoding: ") + plain + "\r\n"), "");
  }
}

TEST(Multipart, LimitsPartsAndTheirHeaders) {
  std::string body;
  for (int i = 0; i < 10000; ++i) body += part(file_header, "x");
  EXPECT_EQ(multipart_refusal(body + "--B--"), "413 too-many-parts: the form has more than 256 parts: send fewer");
  std::string allowed;
  for (int i = 0; i < 256; ++i) allowed += part(file_header, "x");
  EXPECT_EQ(parse_multipart(allowed + "--B--", "B").size(), 256U);
  const auto padded = [](std::size_t size) {
    std::string header = std::string(file_header) + "X: ";
    header += std::string(size - header.size() - 2, 'y') + "\r\n";
    return part(header, "x") + "--B--";
  };
  EXPECT_EQ(multipart_refusal(padded(8192)), "");
  EXPECT_EQ(multipart_refusal(padded(8300)), "413 header-too-large: the header of part 1 has more than 8192 bytes");
}

TEST(Multipart, ReadsTheBoundary) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"),
            "----WebKitFormBoundary7MA4YWxkTrZu0gW");
  EXPECT_EQ(multipart_boundary("multipart/form-data; charset=x; Boundary=\"a b:c\""), "a b:c");
  for (const char* odd : {"===1700000000000===", "----=_Part_1_12.345", "a:b/c"}) {  // Older Java clients.
    EXPECT_EQ(multipart_boundary(std::string("multipart/form-data; boundary=") + odd), odd);
    EXPECT_EQ(multipart_boundary(std::string("multipart/form-data; boundary=") + odd + "; charset=utf-8"), odd);
  }
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=" + std::string(70, 'x')), std::string(70, 'x'));
}

TEST(Multipart, RefusesAMissingOrImpossibleBoundary) {
  const auto refused = [](const std::string& parameters) {
    return problem_of([&] { multipart_boundary("multipart/form-data" + parameters); });
  };
  const std::string none = "400 malformed: Content-Type has no boundary: multipart/form-data needs one";
  EXPECT_EQ(refused(""), none);
  EXPECT_EQ(refused("; boundary=\"\""), none);
  const std::string odd =
      "400 malformed: the boundary in Content-Type isn't 1 to 70 of the characters that RFC 2046 allows";
  EXPECT_EQ(refused("; boundary=" + std::string(71, 'x')), odd);
  EXPECT_EQ(refused("; boundary=\"x \""), odd);
  EXPECT_EQ(refused("; boundary=\"x\xe4\""), odd);
  EXPECT_EQ(refused("; boundary=a; boundary=b"), "400 malformed: Content-Type has parameter 'boundary' twice");
}

}  // namespace
}  // namespace catdog::service
