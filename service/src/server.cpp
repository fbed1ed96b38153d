// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <vector>

#include "formats/problem.hpp"
#include "handlers/handlers.hpp"
#include "process_metrics.hpp"

namespace catdog::service {

namespace {

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
constexpr auto reload_timeout = std::chrono::minutes(30);  // Loading is slow; the caller may ask for less.
constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr auto drain_poll = std::chrono::milliseconds(20);
constexpr int exit_at_once = 143;  // As a shell has it for SIGTERM.
constexpr std::string_view full_response =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n";

void listen(tcp::acceptor& acceptor, const std::string& address, std::uint16_t port, const char* flag) {
  try {
    tcp::endpoint endpoint(asio::ip::make_address(address), port);
    boost::system::error_code failure;
    acceptor.open(endpoint.protocol(), failure);
    if (failure == asio::error::address_family_not_supported && address == "::") {  // A machine without IPv6.
      endpoint = tcp::endpoint(tcp::v4(), port);
      acceptor.open(endpoint.protocol());
    } else if (failure) {
      throw boost::system::system_error(failure);
    }
    if (endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(false));
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(4096);
  } catch (const boost::system::system_error& failure) {
    throw std::runtime_error("cannot listen on " + address + " port " + std::to_string(port) + ": " +
                             failure.code().message() + "; choose another with " + flag);
  }
}

void refuse(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(full_response), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

Server::Server(const Config& config)
    : service_(config),
      api_{service_, std::chrono::milliseconds(config.request_timeout_ms), {}, {}},
      admin_{service_, reload_timeout, {}, {}} {
  add_process_metrics(service_.metrics);
  add_state_metrics(service_);
  add_api(api_.router, service_);
  add_admin(admin_.router, service_);
  for (Router* router : {&api_.router, &admin_.router}) add_operation(*router, service_);
}

Server::~Server() {
  service_.models.finish();
  service_.queue.stop();
}

int Server::run() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
  for (const std::string& name : service_.config.unknown_variables) {
    service_.log.event(Level::warning, "unknown_variable",
                       {{"name", name}, {"reason", "no setting has this environment variable; see --help"}});
  }
  try {
    open_ports();
  } catch (const std::exception& failure) {
    service_.log.event(Level::error, "listen_failed", {{"reason", failure.what()}});
    service_.log.flush();
    return exit_port;
  }
  spawn(handle_signals(), "signals_failed");
  spawn(accept(api_acceptor_, api_), "accept_failed");
  spawn(accept(admin_acceptor_, admin_), "accept_failed");
  spawn(load_model(), "start_failed");
  io_.run();
  service_.queue.stop();
  service_.log.event(Level::info, "server_stopped", {{"exit_code", exit_code_}});
  if (!service_.log.flush()) _exit(exit_code_);  // Nobody reads stderr: its thread would never end.
  return exit_code_;
}

// Each task is needed for as long as the process serves: one that fails ends it.
void Server::spawn(asio::awaitable<void> task, const char* failure_event) {
  asio::co_spawn(io_, std::move(task), [this, failure_event](const std::exception_ptr& failure) {
    if (!failure) return;
    service_.log.event(Level::error, failure_event, {{"reason", reason_of(failure)}});
    stop(exit_failed);
  });
}

void Server::open_ports() {
  const Config& config = service_.config;
  listen(api_acceptor_, config.address, config.port, "--port");
  listen(admin_acceptor_, config.admin_address, config.admin_port, "--admin-port");
  write_port_file();
  service_.log.event(Level::info, "server_started",
                     {{"version", CATDOG_VERSION},
                      {"address", config.address},
                      {"port", api_acceptor_.local_endpoint().port()},
                      {"admin_port", admin_acceptor_.local_endpoint().port()}});
}

// Renamed into place: who waits for the file never reads half of it.
void Server::write_port_file() const {
  const std::string& path = service_.config.port_file;
  if (path.empty()) return;
  std::ofstream(path + ".new") << "api=" << api_acceptor_.local_endpoint().port()
                               << "\nadmin=" << admin_acceptor_.local_endpoint().port() << "\n";
  std::filesystem::rename(path + ".new", path);
}

asio::awaitable<void> Server::accept(tcp::acceptor& acceptor, Port& port) {
  while (acceptor.is_open()) {
    auto [failure, socket] = co_await acceptor.async_accept(use_tuple);
    if (failure == asio::error::operation_aborted) co_return;
    if (failure) {  // Out of files, most likely: give others time to end.
      service_.log.event(Level::warning, "accept_failed", {{"reason", failure.message()}});
      asio::steady_timer pause(io_, accept_pause);
      co_await pause.async_wait(use_tuple);
    } else if (port.sessions.size() >= service_.config.max_connections) {
      service_.metrics.reject("connections");
      refuse(socket);
    } else {
      begin_session(std::move(socket), port);
    }
  }
}

void Server::begin_session(tcp::socket socket, Port& port) {
  const auto ended = [this](const std::exception_ptr& failure) {  // No memory, most likely: its end alone.
    if (failure) service_.log.event(Level::error, "connection_failed", {{"reason", reason_of(failure)}});
  };
  try {
    const auto session = std::make_shared<Session>(std::move(socket), port);
    asio::co_spawn(io_, session->run(), [session, ended](const std::exception_ptr& failure) {
      session->close();
      ended(failure);
    });
  } catch (...) {
    ended(std::current_exception());
  }
}

asio::awaitable<void> Server::load_model() {
  const Config& config = service_.config;
  ModelPtr model;
  std::string failure;
  try {
    model = co_await service_.models.load();
  } catch (const Error& error) {
    failure = error.what();
  }
  if (!model) {
    service_.log.event(Level::error, "model_failed", {{"model", config.model}, {"reason", failure}});
    stop(exit_model);
    co_return;
  }
  service_.queue.start(config.workers > 0 ? config.workers : model->quota_threads());
  service_.ready = true;
}

asio::awaitable<void> Server::handle_signals() {
  while (true) {
    const int signal = co_await signals_.async_wait(asio::use_awaitable);
    if (signal == SIGHUP) {
      spawn(reload(), "reload_failed");
    } else if (service_.draining) {
      _exit(exit_at_once);
    } else {
      spawn(drain(), "drain_failed");
    }
  }
}

asio::awaitable<void> Server::reload() {
  try {
    co_await reload_model(service_);
  } catch (const Problem&) {  // Logged: the old model stays.
  }
}

asio::awaitable<void> Server::drain() {
  const Config& config = service_.config;
  const auto end = Clock::now() + std::chrono::milliseconds(config.drain_limit_ms);
  service_.draining = true;  // From now on each response ends its connection.
  service_.log.event(Level::info, "drain_started", {{"connections", api_.sessions.size()}});
  asio::steady_timer timer(io_, std::chrono::milliseconds(config.grace_ms));
  co_await timer.async_wait(use_tuple);  // A load balancer needs time to notice.
  api_acceptor_.close();
  api_.closing_idle = true;
  const std::vector<Session*> sessions(api_.sessions.begin(), api_.sessions.end());
  for (Session* session : sessions) session->close_if_idle();
  while (!api_.sessions.empty() && Clock::now() < end) {
    timer.expires_after(drain_poll);
    co_await timer.async_wait(use_tuple);
  }
  stop(api_.sessions.empty() ? exit_done : exit_failed);
}

void Server::stop(int exit_code) {
  exit_code_ = exit_code;
  service_.ready = false;
  io_.stop();
}

}  // namespace catdog::service
