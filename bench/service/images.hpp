// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace catdog::bench {

struct Image {
  std::string name;  // Its path below the folder.
  std::string bytes;
};

// Every file below the folder that begins like a JPEG, PNG, WebP or GIF file, by name; throws when there is none.
std::vector<Image> read_images(const std::string& folder);
// Images of all formats, sizes and kinds, whole, cut off and no images at all.
std::vector<std::string> mixed_bodies(const std::vector<Image>& images);
// A few KB that take tens of milliseconds to decode.
std::string costly_image();

}  // namespace catdog::bench
