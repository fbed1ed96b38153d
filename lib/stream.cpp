// SPDX-License-Identifier: Apache-2.0
#include "stream.hpp"

#include <utility>

namespace catdog::core {
namespace {

// One thread has nobody to work ahead. Others get enough to be busy while one image takes several times as long.
std::size_t slots_for(int threads) { return threads == 1 ? 1 : static_cast<std::size_t>(threads) * 8; }

}  // namespace

Stream::Stream(const Classifier& classifier)
    : pool_(classifier.pool()), job_([this] { return step(); }), slots_(slots_for(pool_.threads())) {}

Stream::~Stream() {
  {
    const std::lock_guard lock(mutex_);
    begun_ = added_;
  }
  pool_.withdraw(job_);
}

std::size_t Stream::room() const {
  const std::lock_guard lock(mutex_);
  return slots_.size() - (added_ - taken_);
}

bool Stream::ready() const {
  const std::lock_guard lock(mutex_);
  return slots_[taken_ % slots_.size()].done;
}

void Stream::add(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (added_ - taken_ == slots_.size()) {
      throw Failure(Status::invalid_argument, "the stream has no room: take a result before adding the next image");
    }
    slot(added_++).work = std::move(work);
  }
  pool_.offer(job_);
}

Verdict Stream::take() {
  std::unique_lock lock(mutex_);
  if (taken_ == added_) {
    throw Failure(Status::invalid_argument, "the stream is empty: add an image before taking a result");
  }
  Slot& next = slot(taken_);
  while (!next.done) {
    lock.unlock();
    const bool worked = step();
    lock.lock();
    if (!worked) done_.wait(lock, [&] { return next.done; });
  }
  ++taken_;
  Slot taken = std::exchange(next, {});
  return std::move(taken.verdict);
}

bool Stream::step() {
  std::unique_lock lock(mutex_);
  if (begun_ == added_) return false;
  Slot& own = slot(begun_++);
  lock.unlock();
  Verdict verdict;
  try {
    verdict = own.work();
  } catch (...) {  // Only when there is no memory even for the verdict.
    verdict.status = Status::out_of_memory;
  }
  lock.lock();
  own.verdict = std::move(verdict);
  own.done = true;
  done_.notify_one();
  return true;
}

}  // namespace catdog::core
