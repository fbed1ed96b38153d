// SPDX-License-Identifier: Apache-2.0
// Many images in one call on all granted threads: each has its own status, and a bad one never fails the others.
#include <catdog/catdog.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s IMAGE...\n", argv[0]);
    return 2;
  }
  const catdog::Classifier classifier = catdog::Classifier::open(catdog::Options().abstain_below(0.8));

  std::vector<std::string> files;  // Images only view them.
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  std::vector<catdog::Image> images;
  for (const std::string& file : files) images.push_back(catdog::Image::encoded(file));

  int failed = 0;
  const std::vector<catdog::Result> results = classifier.classify_batch(images);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const catdog::Result& result = results[i];
    if (result) {
      std::printf("%s: %s %.3f, %dx%d %s in %.1f ms\n", argv[i + 1], result.answer().c_str(), result.trust(),
                  result.width(), result.height(), result.format().c_str(), result.timings().total_ms);
    } else {
      ++failed;
      std::fprintf(stderr, "%s: %s\n", argv[i + 1], result.message().c_str());
    }
  }
  return failed == 0 ? 0 : 1;
} catch (const catdog::Error& error) {
  std::fprintf(stderr, "%s: %s\n", error.status_name(), error.what());
  return 1;
}
