// SPDX-License-Identifier: Apache-2.0
#include "interrupt.hpp"

#include <csignal>

namespace catdog::cli {
namespace {

volatile std::sig_atomic_t interrupt_flag = 0;

extern "C" void on_interrupt(int /*signal*/) { interrupt_flag = 1; }

}  // namespace

void catch_interrupt() {
  struct sigaction action {};
  action.sa_handler = &on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;  // A write under way is finished: its row stays whole.
  sigaction(SIGINT, &action, nullptr);
}

bool interrupted() noexcept { return interrupt_flag != 0; }

}  // namespace catdog::cli
