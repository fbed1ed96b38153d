// SPDX-License-Identifier: Apache-2.0
// The life of the process: listen, load the model, serve, reload on SIGHUP, drain on SIGTERM.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <exception>
#include <string>

#include "service.hpp"
#include "session.hpp"

namespace catdog::service {

enum ExitCode { exit_done = 0, exit_failed = 1, exit_usage = 2, exit_model = 3, exit_port = 4 };

class Server {
 public:
  explicit Server(const Config& config);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // Serves until SIGTERM or SIGINT; the exit code of the process.
  int run();

 private:
  void open_ports();
  void write_port_file() const;
  asio::awaitable<void> accept(tcp::acceptor& acceptor, Port& port);
  void begin_session(tcp::socket socket, Port& port);
  asio::awaitable<void> load_model();
  asio::awaitable<void> handle_signals();
  asio::awaitable<void> reload();
  asio::awaitable<void> drain();
  void spawn(asio::awaitable<void> task, const char* failure_event);
  void stop(int exit_code);

  // In this order: sessions that still wait when the context ends use what stands above it.
  Service service_;
  Port api_;
  Port admin_;
  asio::io_context io_{1};
  tcp::acceptor api_acceptor_{io_};
  tcp::acceptor admin_acceptor_{io_};
  asio::signal_set signals_{io_};
  int exit_code_ = exit_done;
};

}  // namespace catdog::service
