// SPDX-License-Identifier: Apache-2.0
// Identity of a request: X-Request-Id and W3C trace context, taken over when sound, else made.
#pragma once

#include <string>
#include <string_view>

namespace catdog::service {

// 32 lower-case hex digits, different each time.
std::string make_request_id();
// 1 to 128 letters, digits, '.', '_', '-'.
bool is_sound_request_id(std::string_view id) noexcept;
// The traceparent to answer with: the caller's trace with a span of our own, or a new trace.
std::string continue_trace(std::string_view traceparent);

}  // namespace catdog::service
