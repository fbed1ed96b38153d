// SPDX-License-Identifier: Apache-2.0
// What the library shows to the linker: exactly the interface, and no heavy dependency.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <set>
#include <sstream>
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

const std::set<std::string> kInterface{
    "CATDOG_1.0",
    "catdog_abi_version",
    "catdog_classifier_classify_batch",
    "catdog_classifier_classify_encoded",
    "catdog_classifier_classify_file",
    "catdog_classifier_classify_picture",
    "catdog_classifier_destroy",
    "catdog_classifier_info",
    "catdog_classifier_label",
    "catdog_classifier_label_count",
    "catdog_classifier_open_file",
    "catdog_classifier_open_memory",
    "catdog_classifier_warm_up",
    "catdog_last_error",
    "catdog_options_create",
    "catdog_options_destroy",
    "catdog_options_set_double",
    "catdog_options_set_int",
    "catdog_options_set_log",
    "catdog_options_set_string",
    "catdog_result_abstained",
    "catdog_result_confidence",
    "catdog_result_count",
    "catdog_result_destroy",
    "catdog_result_format",
    "catdog_result_label",
    "catdog_result_measure",
    "catdog_result_message",
    "catdog_result_ranked",
    "catdog_result_status",
    "catdog_status_name",
    "catdog_version",
};

TEST(Exports, ExactlyTheInterface) {
  std::set<std::string> exported;
  std::istringstream lines(output_of(CATDOG_NM " -D --defined-only '" CATDOG_LIBRARY "'"));
  for (std::string line; std::getline(lines, line);) {
    std::string name = line.substr(line.rfind(' ') + 1);
    const std::size_t at = name.find('@');
    if (at != std::string::npos) EXPECT_EQ(name.substr(at), "@@CATDOG_1.0") << line;
    EXPECT_TRUE(at != std::string::npos || name == "CATDOG_1.0") << line << " has no version";
    exported.insert(name.substr(0, at));
  }
  EXPECT_EQ(exported, kInterface);
}

TEST(Exports, SonameIsTheAbiNumber) {
  EXPECT_THAT(output_of(CATDOG_READELF " -d '" CATDOG_LIBRARY "'"),
              testing::ContainsRegex("SONAME.*\\[libcatdog\\.so\\.1\\]"));
}

TEST(Exports, NeedsNeitherTorchNorImgcodecs) {
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
