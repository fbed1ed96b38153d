// SPDX-License-Identifier: Apache-2.0
// Any number of files on all granted threads: results in order, few images in memory, and a bad one never fails the
// others.
#include <catdog/catdog.hpp>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s IMAGE...\n", argv[0]);
    return 2;
  }
  const catdog::Classifier classifier = catdog::Classifier::open(catdog::Options().abstain_below(0.8));
  const std::vector<std::string> paths(argv + 1, argv + argc);
  int failed = 0;
  classifier.classify_stream(paths, [&](std::size_t index, const catdog::Result& result) {
    if (result) {
      std::printf("%s: %s %.3f, %dx%d %s in %.1f ms\n", paths[index].c_str(), result.answer().c_str(), result.trust(),
                  result.width(), result.height(), result.format().c_str(), result.timings().total_ms);
    } else {
      ++failed;
      std::fprintf(stderr, "%s: %s\n", paths[index].c_str(), result.message().c_str());
    }
  });
  return failed == 0 ? 0 : 1;
} catch (const catdog::Error& error) {
  std::fprintf(stderr, "%s: %s\n", error.status_name(), error.what());
  return 1;
}
