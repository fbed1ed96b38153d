// SPDX-License-Identifier: Apache-2.0
#include "rate_limit.hpp"

#include <algorithm>

namespace catdog::service {

namespace {

constexpr std::size_t most_clients = 65536;

}  // namespace

double RateLimit::take(const std::string& client, Clock::time_point now) {
  if (rate_ <= 0) return 0;
  const auto filled = [&](const Bucket& bucket) {
    return std::min(burst_, bucket.tokens + rate_ * std::chrono::duration<double>(now - bucket.at).count());
  };
  if (buckets_.size() >= most_clients) {
    std::erase_if(buckets_, [&](const auto& entry) { return filled(entry.second) >= burst_; });
    if (buckets_.size() >= most_clients) buckets_.clear();  // So many at once: forgetting is cheaper than growing.
  }
  Bucket& bucket = buckets_.try_emplace(client, Bucket{burst_, now}).first->second;
  bucket = {filled(bucket), now};
  if (bucket.tokens < 1) return (1 - bucket.tokens) / rate_;
  bucket.tokens -= 1;
  return 0;
}

}  // namespace catdog::service
