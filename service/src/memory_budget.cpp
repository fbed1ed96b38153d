// SPDX-License-Identifier: Apache-2.0
#include "memory_budget.hpp"

#include <utility>

namespace catdog::service {

namespace {

constexpr std::uint64_t large = std::uint64_t{1} << 20U;

}  // namespace

MemoryBudget::Share::Share(Share&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), held_(std::exchange(other.held_, 0)) {}

MemoryBudget::Share& MemoryBudget::Share::operator=(Share&& other) noexcept {
  if (this == &other) return *this;
  release();
  budget_ = std::exchange(other.budget_, nullptr);
  held_ = std::exchange(other.held_, 0);
  return *this;
}

// By default the last quarter of the account is for requests of at most a megabyte: a few large uploads that never end
// would keep everybody out otherwise.
bool MemoryBudget::Share::grow(std::uint64_t bytes) noexcept {
  if (budget_ == nullptr) return false;
  const std::uint64_t limit = held_ + bytes > large ? budget_->limit_of_large_ : budget_->limit_;
  if (!budget_->take(bytes, limit)) return false;
  held_ += bytes;
  return true;
}

void MemoryBudget::Share::release() noexcept {
  if (budget_ != nullptr) budget_->used_ -= std::exchange(held_, 0);
}

bool MemoryBudget::take(std::uint64_t bytes, std::uint64_t limit) noexcept {
  std::uint64_t used = used_;
  do {
    if (used > limit || bytes > limit - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

}  // namespace catdog::service
