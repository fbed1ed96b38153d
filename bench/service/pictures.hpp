// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace catdog::bench {

struct Picture {
  std::string name;  // Its path below the folder.
  std::string bytes;
};

// Every file below the folder that begins like a JPEG, PNG, WebP or GIF file, by name; throws when there is none.
std::vector<Picture> read_pictures(const std::string& folder);
// Pictures of all formats, sizes and kinds, whole, cut off and no pictures at all.
std::vector<std::string> mixed_bodies(const std::vector<Picture>& pictures);
// A few KB that take tens of milliseconds to decode.
std::string costly_picture();

}  // namespace catdog::bench
