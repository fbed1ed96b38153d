// SPDX-License-Identifier: Apache-2.0
// What the library shows to the linker: its SONAME and no heavy dependency (symbols_test.cmake: its symbols).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <string>

namespace {

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char chunk[4096];
  while (const std::size_t got = fread(chunk, 1, sizeof chunk, pipe)) output.append(chunk, got);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

TEST(Exports, SonameIsTheAbiNumber) {
  EXPECT_THAT(output_of(CATDOG_READELF " -d '" CATDOG_LIBRARY "'"),
              testing::ContainsRegex("SONAME.*\\[libcatdog\\.so\\.1\\]"));
}

TEST(Exports, NeedsNeitherTorchNorImgcodecs) {
#ifdef CATDOG_WITH_IMGCODECS
  GTEST_SKIP() << "this build was asked for imgcodecs";
#endif
  const std::string needed = output_of("ldd '" CATDOG_LIBRARY "'");
  EXPECT_THAT(needed, testing::HasSubstr("libdnnl"));  // The list isn't empty.
  for (const char* unwanted : {"torch", "libc10", "imgcodecs", "python", "highgui"}) {
    EXPECT_THAT(needed, testing::Not(testing::HasSubstr(unwanted)));
  }
}

TEST(Exports, IsHardened) {
  const std::string dynamic = output_of(CATDOG_READELF " -d '" CATDOG_LIBRARY "'");
  EXPECT_THAT(dynamic, testing::HasSubstr("NODELETE"));
  EXPECT_THAT(dynamic, testing::HasSubstr("NOW"));
}

}  // namespace
