// SPDX-License-Identifier: Apache-2.0
// Odd files from other projects' test suites; the same behaviours are tested on shipped files in damage_test.cpp and
// golden_test.cpp.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "image/preprocess.hpp"
#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::Status;

TEST(OddFiles, EachGetsAnImageOrANamedStatus) {
  const std::filesystem::path folder(CATDOG_SOURCE_DIR "/../shared/data/odd");
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "needs ../shared/data/odd";
  }
  // By the part of the name before "__"; what isn't listed here is an image.
  const std::map<std::string, Status> refused{
      {"jpeg_broken", Status::corrupt},
      {"jpeg_truncated", Status::corrupt},
#ifndef CATDOG_WITH_IMGCODECS
      {"bmp", Status::unsupported},
      {"tiff", Status::unsupported},
#endif
  };
  const std::map<std::string, Status> exceptions{
      {"jpeg_progressive__4c4af0a531dfa9345e3f3f87b606672c1a924719-1", Status::corrupt},
      {"png_16bit__034f375ccbb5853b7e42f32841a926f18c3bf735-3", Status::corrupt},
      {"png_broken__0027e9c17f97bc035782fee6b4c725abb5e25f5f-2", Status::corrupt},
      {"png_broken__077972773f02e194c01dea9e0e6a62c8a71c2144-10", Status::limit},
      {"png_broken__0b5a11b1c7d83b2a1d0ef0e069b72adae88ed7dd-3", Status::corrupt},
      {"png_palette__0dd3be4cf3dc65bb5338704a8d8a35263c906690-3", Status::corrupt},
      {"png_palette__32aab3b071b3f2a16c11f8ac7f5b4d66a8fc4507-3", Status::corrupt},
      {"png_rgba__4a5e5f4ebd8c4f5939233346db4948e7741929e3-1", Status::corrupt},
      {"unidentified__0373637d69ab31e38fb8fba0288f21bfeda291fc-7", Status::corrupt},
      {"unidentified__1ecbd3e712a7a43108880623b42cf0958e20e40d-1", Status::unsupported},
      {"unidentified__ae4f281df5a5d0ff3cad6371f76d5c29b6d953ec-1", Status::unsupported},
  };
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    SCOPED_TRACE(name);
    Status expected = Status::ok;
    if (const auto kind = refused.find(name.substr(0, name.find("__"))); kind != refused.end()) {
      expected = kind->second;
    }
    if (const auto exception = exceptions.find(name); exception != exceptions.end()) {
      expected = exception->second;
    }
    const Outcome outcome = outcome_of([&] {
      const core::DecodedImage image = core::decode_image(read_file(entry.path().string()), {128, 128}, {});
      EXPECT_EQ(core::resize_and_orient(image, {128, 128}).size(), (core::Size{128, 128}));
    });
    EXPECT_EQ(outcome.status, expected) << outcome.message;
    EXPECT_EQ(outcome.message.empty(), expected == Status::ok);
    ++files;
  }
  EXPECT_GT(files, 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace catdog::test_support
