// SPDX-License-Identifier: Apache-2.0
#include "pictures.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support/pictures.hpp"

namespace catdog::bench {

namespace {

std::string text(const test_support::ByteString& bytes) { return {bytes.begin(), bytes.end()}; }

bool is_picture(const std::string& bytes) {
  for (const char* magic : {"\xff\xd8\xff", "\x89PNG", "GIF8", "RIFF"}) {
    if (bytes.rfind(magic, 0) == 0) return true;
  }
  return false;
}

}  // namespace

std::vector<Picture> read_pictures(const std::string& folder) {
  std::vector<Picture> pictures;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(in), {});
    if (is_picture(bytes)) {
      pictures.push_back({std::filesystem::relative(entry.path(), folder).string(), std::move(bytes)});
    }
  }
  if (pictures.empty()) throw std::runtime_error(folder + " has no pictures: name a folder of photos with --pictures");
  std::sort(pictures.begin(), pictures.end(), [](const Picture& a, const Picture& b) { return a.name < b.name; });
  return pictures;
}

std::vector<std::string> mixed_bodies(const std::vector<Picture>& pictures) {
  std::vector<std::string> bodies{"no picture", std::string(5000, '\0')};
  for (const Picture& picture : pictures) bodies.push_back(picture.bytes);
  for (const Picture& picture : read_pictures(CATDOG_SOURCE_DIR "/tests/golden/pictures")) {
    bodies.push_back(picture.bytes);
    bodies.push_back(picture.bytes.substr(0, picture.bytes.size() / 2));
  }
  for (const int side : {40, 333, 500, 1200}) {
    const test_support::Pixels scene = test_support::make_scene(side, side * 3 / 4);
    bodies.push_back(text(test_support::encode_png(scene)));
    bodies.push_back(text(test_support::encode_jpeg(scene)));
    test_support::JpegOptions progressive;
    progressive.progressive = true;
    progressive.orientation = 6;
    bodies.push_back(text(test_support::encode_jpeg(scene, progressive)));
    std::string damaged = bodies.back();
    damaged[damaged.size() / 2] = static_cast<char>(~damaged[damaged.size() / 2]);
    bodies.push_back(std::move(damaged));
  }
  return bodies;
}

std::string costly_picture() { return text(test_support::make_black_png(2000, 2000)); }

}  // namespace catdog::bench
