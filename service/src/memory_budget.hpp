// SPDX-License-Identifier: Apache-2.0
// The account of memory that clients make the process hold. A request's share is charged before memory is taken and
// given back when the request ends.
#pragma once

#include <atomic>
#include <cstdint>

namespace catdog::service {

class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit) noexcept : MemoryBudget(limit, limit / 4 * 3) {}
  // Shares of more than a megabyte grow only while at most `limit_of_large` is in use.
  MemoryBudget(std::uint64_t limit, std::uint64_t limit_of_large) noexcept
      : limit_(limit), limit_of_large_(limit_of_large) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // What one request holds. It must not outlive its budget.
  class Share {
   public:
    Share() = default;  // Of no budget: it never grows.
    explicit Share(MemoryBudget& budget) noexcept : budget_(&budget) {}
    ~Share() { release(); }
    Share(Share&& other) noexcept;
    Share& operator=(Share&& other) noexcept;
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // False when the account hasn't that much left; the share then stays as it is.
    bool grow(std::uint64_t bytes) noexcept;
    void release() noexcept;
    std::uint64_t held() const noexcept { return held_; }

   private:
    MemoryBudget* budget_ = nullptr;
    std::uint64_t held_ = 0;
  };

  std::uint64_t used() const noexcept { return used_; }
  std::uint64_t limit() const noexcept { return limit_; }

 private:
  bool take(std::uint64_t bytes, std::uint64_t limit) noexcept;

  const std::uint64_t limit_;
  const std::uint64_t limit_of_large_;
  std::atomic<std::uint64_t> used_{0};
};

}  // namespace catdog::service
