// SPDX-License-Identifier: Apache-2.0
// A request on its way through the service. An endpoint answers it once, from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "exchange.hpp"

namespace catdog::service {

// The deadline passed before the answer was there.
class Expired : public Problem {
 public:
  explicit Expired(std::string detail, const std::string& retry_after = "1")
      : Problem(503, "overloaded", std::move(detail), {{"Retry-After", retry_after}}) {}
};

class Call {
 public:
  // `send` takes the reply to the connection; it may be called from any thread.
  Call(Request request, std::function<void(Response)> send) : request_(std::move(request)), send_(std::move(send)) {}

  const Request& request() const noexcept { return request_; }
  // Only the first counts: the worker and the deadline's timer may both answer. `first` runs before that one is sent.
  void reply(Response response, const std::function<void()>& first = {}) {
    if (replied_.exchange(true)) return;
    if (first) first();
    std::exchange(send_, nullptr)(std::move(response));
  }
  // The client went away: nobody reads an answer.
  void abandon() noexcept { abandoned_ = true; }
  bool abandoned() const noexcept { return abandoned_; }

 private:
  Request request_;
  std::function<void(Response)> send_;
  std::atomic<bool> replied_{false};
  std::atomic<bool> abandoned_{false};
};

using CallPtr = std::shared_ptr<Call>;

}  // namespace catdog::service
