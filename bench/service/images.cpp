// SPDX-License-Identifier: Apache-2.0
#include "images.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support/images.hpp"

namespace catdog::bench {

namespace {

std::string text(const test_support::ByteString& bytes) { return {bytes.begin(), bytes.end()}; }

bool is_image(const std::string& bytes) {
  for (const char* magic : {"\xff\xd8\xff", "\x89PNG", "GIF8", "RIFF"}) {
    if (bytes.rfind(magic, 0) == 0) return true;
  }
  return false;
}

}  // namespace

std::vector<Image> read_images(const std::string& folder) {
  std::vector<Image> images;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(in), {});
    if (is_image(bytes)) {
      images.push_back({std::filesystem::relative(entry.path(), folder).string(), std::move(bytes)});
    }
  }
  if (images.empty()) throw std::runtime_error(folder + " has no images: name a folder of photos with --pictures");
  std::sort(images.begin(), images.end(), [](const Image& a, const Image& b) { return a.name < b.name; });
  return images;
}

std::vector<std::string> mixed_bodies(const std::vector<Image>& images) {
  std::vector<std::string> bodies{"no image", std::string(5000, '\0')};
  for (const Image& image : images) bodies.push_back(image.bytes);
  for (const Image& image : read_images(CATDOG_SOURCE_DIR "/tests/golden/images")) {
    bodies.push_back(image.bytes);
    bodies.push_back(image.bytes.substr(0, image.bytes.size() / 2));
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

std::string costly_image() { return text(test_support::make_black_png(2000, 2000)); }

}  // namespace catdog::bench
