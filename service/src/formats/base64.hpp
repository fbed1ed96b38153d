// SPDX-License-Identifier: Apache-2.0
// Base64 as RFC 4648 has it, strictly.
#pragma once

#include <string>
#include <string_view>

namespace catdog::service {

// Takes the standard alphabet (+ and /) or the URL one (- and _), not both in one text. Padding is all there or all
// left off; white space and bits that no byte uses are refused. Throws Problem (400); `what` names the text in it.
std::string decode_base64(std::string_view text, std::string_view what);

// The URL alphabet, without padding.
std::string encode_base64url(std::string_view bytes);

// The same as decode_base64 after an optional `data:…;base64,` prefix. What type the prefix claims is not looked at:
// the bytes decide.
std::string decode_base64_image(std::string_view text, std::string_view what);

}  // namespace catdog::service
