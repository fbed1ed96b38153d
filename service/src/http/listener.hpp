// SPDX-License-Identifier: Apache-2.0
// One port: accepts connections and knows those that are open. Everything here runs on the I/O thread.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <unordered_set>

#include "config.hpp"
#include "log.hpp"
#include "metrics.hpp"
#include "rate_limit.hpp"
#include "router.hpp"

namespace catdog::service {

namespace asio = boost::asio;
using asio::ip::tcp;

class Connection;

class Listener {
 public:
  Listener(asio::io_context& io, const Config& config, std::chrono::milliseconds request_timeout, double client_rate,
           Router router, Metrics& metrics, Log& log);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Binds; the port it got. Throws boost::system::system_error.
  std::uint16_t open(const std::string& address, std::uint16_t port);
  void start() { accept(); }

  void answer_with_close() noexcept { draining_ = true; }
  void stop_accepting();
  // Closes connections that wait for a request; the others when they have their answer.
  void close_idle();
  void close_all();
  std::size_t connections() const noexcept { return connections_.size(); }

  // For connections.
  void remove(Connection* connection);
  const Config& config() const noexcept { return config_; }
  std::chrono::milliseconds request_timeout() const noexcept { return request_timeout_; }
  const Router& router() const noexcept { return router_; }
  Metrics& metrics() noexcept { return metrics_; }
  Log& log() noexcept { return log_; }
  RateLimit& rate_limit() noexcept { return rate_limit_; }
  // Bodies over a megabyte share --max-queue-bytes while they are read and worked on.
  bool reserve_body(std::uint64_t bytes);
  void release_body(std::uint64_t bytes) noexcept { reserved_bytes_ -= bytes; }
  bool draining() const noexcept { return draining_; }
  bool closing_idle() const noexcept { return closing_idle_; }

 private:
  void accept();
  void on_accept(const boost::system::error_code& failure, tcp::socket socket);

  const Config& config_;
  const std::chrono::milliseconds request_timeout_;
  const Router router_;
  Metrics& metrics_;
  Log& log_;
  RateLimit rate_limit_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  std::unordered_set<Connection*> connections_;
  std::uint64_t reserved_bytes_ = 0;
  std::atomic<bool> draining_{false};  // Workers read it.
  bool closing_idle_ = false;
};

}  // namespace catdog::service
