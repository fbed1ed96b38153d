// SPDX-License-Identifier: Apache-2.0
// The life of the process: listen, load the model, serve, reload on SIGHUP, drain on SIGTERM.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <thread>

#include "endpoints/endpoints.hpp"
#include "http/listener.hpp"
#include "service.hpp"

namespace catdog::service {

enum ExitCode { exit_done = 0, exit_cut_off = 1, exit_usage = 2, exit_model = 3, exit_port = 4 };

class Server {
 public:
  explicit Server(const Config& config);
  ~Server();
  // Serves until SIGTERM or SIGINT; the exit code of the process.
  int run();

 private:
  void add_state_metrics();
  void add_feedback_metrics();
  void open_ports();
  void write_port_file(std::uint16_t api, std::uint16_t admin) const;
  void load_first_model();
  void install_first_model(const ModelPtr& model);
  bool reload(ReloadDone done);
  void report_model(const ModelPtr& model);
  void await_signal();
  void drain();
  void finish_drain();
  void await_drained();
  void stop(int exit_code);

  asio::io_context io_{1};
  Service service_;
  std::unique_ptr<Listener> api_;
  std::unique_ptr<Listener> admin_;
  asio::signal_set signals_;
  asio::steady_timer drain_timer_;
  Clock::time_point drain_end_;
  std::thread loader_;
  bool loading_ = false;
  int exit_code_ = exit_done;
  prometheus::Gauge* model_info_ = nullptr;
  prometheus::Family<prometheus::Gauge>* model_infos_ = nullptr;
};

}  // namespace catdog::service
