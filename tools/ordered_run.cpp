// SPDX-License-Identifier: Apache-2.0
#include "ordered_run.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace catdog::cli {
namespace {

// Lock-free, so a signal handler may set it and any thread read it.
std::atomic<int> interrupt_flag{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_interrupt(int /*signal*/) { interrupt_flag = 1; }

bool interrupted() noexcept { return interrupt_flag != 0; }

// Only from here on is there something to end cleanly. A write under way is finished: its row stays whole.
void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = &on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

class Run {
 public:
  Run(std::size_t count, int threads, const std::function<Verdict(std::size_t)>& work)
      : count_(count), slots_(static_cast<std::size_t>(threads) * 8), work_(work) {
    threads_.reserve(static_cast<std::size_t>(threads));
    try {
      for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { produce(); });
    } catch (const std::system_error&) {  // Fewer are slower, not wrong.
      if (threads_.empty()) throw;
    }
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // The next verdict in order; none once interrupted.
  std::optional<Verdict> take(std::size_t index) {
    std::unique_lock lock(mutex_);
    std::optional<Verdict>& slot = slots_[index % slots_.size()];
    // A signal doesn't wake a condition variable: look now and then.
    while (!slot && !failure_) {
      if (interrupted()) return std::nullopt;
      ready_.wait_for(lock, std::chrono::milliseconds(100));
    }
    if (failure_) std::rethrow_exception(failure_);
    std::optional<Verdict> verdict = std::exchange(slot, std::nullopt);
    delivered_ = index + 1;
    lock.unlock();
    room_.notify_all();
    return verdict;
  }

 private:
  void produce() {
    for (;;) {
      std::size_t index = 0;
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return stopped_ || next_ >= count_ || next_ < delivered_ + slots_.size(); });
        if (stopped_ || next_ >= count_ || interrupted()) return;
        index = next_++;
      }
      try {
        Verdict verdict = work_(index);
        const std::lock_guard lock(mutex_);
        slots_[index % slots_.size()] = std::move(verdict);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
        stopped_ = true;
      }
      ready_.notify_one();
    }
  }

  const std::size_t count_;
  std::vector<std::optional<Verdict>> slots_;
  const std::function<Verdict(std::size_t)>& work_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable ready_;
  std::size_t next_ = 0;
  std::size_t delivered_ = 0;
  bool stopped_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::size_t run_in_order(std::size_t count, int threads, const std::function<Verdict(std::size_t)>& work,
                         const std::function<void(const Verdict&)>& deliver) {
  if (count == 0) return 0;
  catch_interrupts();
  const int workers = static_cast<int>(std::min<std::size_t>(count, static_cast<std::size_t>(std::max(1, threads))));
  Run run(count, workers, work);
  for (std::size_t i = 0; i < count; ++i) {
    const std::optional<Verdict> verdict = run.take(i);
    if (!verdict) return i;
    deliver(*verdict);
  }
  return count;
}

}  // namespace catdog::cli
