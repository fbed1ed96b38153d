// SPDX-License-Identifier: Apache-2.0
// One client's connection, as one coroutine: a request is read within its limits, answered, and the next one awaited.
// All sessions run on the I/O thread; workers only compute (worker_queue.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <unordered_set>

#include "head.hpp"
#include "router.hpp"
#include "service.hpp"

namespace catdog::service {

namespace asio = boost::asio;
using asio::ip::tcp;

class Session;

// One listening port, and the sessions of its connections.
struct Port {
  Service& service;
  std::chrono::milliseconds request_timeout;
  Router router;
  std::unordered_set<Session*> sessions;
  bool closing_idle = false;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Port& port);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Serves requests until the connection ends.
  asio::awaitable<void> run();
  void close_if_idle();
  void close();

 private:
  using ErrorCode = boost::system::error_code;
  using Parser = http::request_parser<ChargedBody>;
  struct Exchange;

  asio::awaitable<bool> request_begins();
  asio::awaitable<bool> serve_request();
  asio::awaitable<void> read_head_of(Exchange& x);
  std::optional<Problem> route(Exchange& x);
  asio::awaitable<void> read_body(Exchange& x);
  asio::awaitable<ErrorCode> read_some(Parser& parser);
  [[noreturn]] void fail_reading(Exchange& x, const ErrorCode& failure);
  asio::awaitable<Response> answer(Exchange& x);
  asio::awaitable<void> client_leaves();
  asio::awaitable<bool> send(Exchange& x, Response response);
  bool can_skip_rest(const Exchange& x) const;
  asio::awaitable<bool> skip_rest(Exchange& x);
  asio::awaitable<void> linger();
  void record(const Exchange& x, const char* event, const Response& response);
  void allow_until(Clock::time_point end);
  void watch_time(Clock::time_point wake_up);

  Port& port_;
  const Config& config_;
  tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
  bool idle_ = false;
  // Cancels the operation on the socket when its time is up. Beast's tcp_stream would close the socket instead, and the
  // client would never read why.
  asio::steady_timer timer_;
  Clock::time_point end_;
  bool timer_runs_ = false;
  bool out_of_time_ = false;
};

}  // namespace catdog::service
