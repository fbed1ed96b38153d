// SPDX-License-Identifier: Apache-2.0
// Many pictures in one call on all granted threads: each has its own status.
#include <catdog/catdog.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

int main(int argc, char** argv) {
  std::vector<std::vector<char>> files;
  std::vector<catdog_picture> pictures;
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    if (files.back().empty()) {
      std::fprintf(stderr, "can't read %s\n", argv[i]);
      return 1;
    }
    catdog_picture picture{};
    picture.struct_size = sizeof picture;
    picture.format = CATDOG_FORMAT_ENCODED;
    picture.data = files.back().data();
    picture.data_size = files.back().size();
    pictures.push_back(picture);
  }
  catdog_classifier* opened = nullptr;
  catdog_result* classified = nullptr;
  catdog_status status = catdog_classifier_open_file(&opened, nullptr, nullptr);
  const std::unique_ptr<catdog_classifier, void (*)(catdog_classifier*)> classifier(opened, catdog_classifier_destroy);
  if (status == CATDOG_OK) {
    status = catdog_classifier_classify_batch(&classified, opened, pictures.data(), pictures.size());
  }
  const std::unique_ptr<catdog_result, void (*)(catdog_result*)> result(classified, catdog_result_destroy);
  if (status != CATDOG_OK) {
    std::fprintf(stderr, "%s\n", catdog_last_error());
    return 1;
  }
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (catdog_result_status(classified, i) == CATDOG_OK) {
      std::printf("%s: %s %.3f\n", argv[i + 1], catdog_result_label(classified, i),
                  catdog_result_confidence(classified, i));
    } else {
      std::printf("%s: %s\n", argv[i + 1], catdog_result_message(classified, i));
    }
  }
}
