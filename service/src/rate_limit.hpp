// SPDX-License-Identifier: Apache-2.0
// A token bucket per client address, in bounded memory. For one thread.
#pragma once

#include <string>
#include <unordered_map>

#include "exchange.hpp"

namespace catdog::service {

class RateLimit {
 public:
  // `rate` requests a second, 0 = no limit; `burst` at once.
  RateLimit(double rate, double burst) : rate_(rate), burst_(burst) {}
  // Seconds until the client may send again; 0 when it may now, and this request is counted.
  double take(const std::string& client, Clock::time_point now = Clock::now());

 private:
  struct Bucket {
    double tokens;
    Clock::time_point at;
  };
  double rate_;
  double burst_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace catdog::service
