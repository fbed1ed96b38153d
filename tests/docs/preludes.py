# SPDX-License-Identifier: Apache-2.0
"""What stands around a fragment of code in the documentation, so that it can be compiled and run."""

# Arguments: a file with what `data` points to, an image, a model.
C = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catdog/catdog.h"

int main(int argc, char** argv) {
  if (argc != 4) return 90;
  catdog_classifier* classifier = NULL;
  catdog_result* result = NULL;
  catdog_options* options = NULL;
  const char* path = argv[2];
  static unsigned char data[1 << 24];
  FILE* file = fopen(argv[1], "rb");
  if (file == NULL) return 91;
  const size_t size = fread(data, 1, sizeof data, file);
  fclose(file);
  (void)options;
  (void)path;
  (void)size;
  (void)argv[3];
#ifndef SNIPPET_OPENS
  if (catdog_classifier_open_file(&classifier, argv[3], NULL) != CATDOG_OK) return 92;
#endif
  {
@FRAGMENT@
  }
  if (classifier == NULL) return 93;
#ifndef SNIPPET_NO_RESULT
  if (result == NULL || catdog_result_status(result, 0) != CATDOG_OK) return 94;
#endif
  catdog_result_destroy(result);
  catdog_classifier_destroy(classifier);
  if (catdog_last_error()[0] != '\\0') fprintf(stderr, "%s\\n", catdog_last_error());
  return catdog_last_error()[0] == '\\0' ? 0 : 95;
}
"""

CPP = """
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "catdog/catdog.hpp"

int main(int argc, char** argv) {
  if (argc != 4) return 90;
  const std::string path = argv[2];
  const std::string model = argv[3];
  std::ifstream file(path, std::ios::binary);
  const std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(file)), {});
  const std::vector<std::uint8_t> pixels(640 * 480 * 3, 128);
  const auto classifier = catdog::Classifier::open(model);
  catdog::Options options;
  (void)bytes, (void)pixels, (void)options;
  {
@FRAGMENT@
  }
}
"""
