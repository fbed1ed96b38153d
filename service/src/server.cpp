// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "process_metrics.hpp"

namespace catdog::service {

namespace {

constexpr auto reload_timeout = std::chrono::minutes(30);  // Loading is slow; the caller may ask for less.
constexpr auto drain_poll = std::chrono::milliseconds(20);
constexpr int exit_at_once = 143;  // As a shell has it for SIGTERM.

}  // namespace

Server::Server(const Config& config) : service_(config), signals_(io_), drain_timer_(io_) {
  add_process_metrics(service_.metrics);
  add_state_metrics();
  add_feedback_metrics();
  Router api;
  add_predict(api, service_);
  add_feedback(api, service_);
  add_health(api, service_);
  add_metrics(api, service_);
  add_model(api, service_);
  add_oip(api, service_);
  add_pages(api);
  Router admin;
  add_health(admin, service_);
  add_metrics(admin, service_);
  add_model(admin, service_);
  add_admin(admin, service_, [this](ReloadDone done) { return reload(std::move(done)); });
  const Config& settings = service_.config;
  api_ = std::make_unique<Listener>(io_, settings, std::chrono::milliseconds(settings.request_timeout_ms),
                                    settings.client_rate, std::move(api), service_.metrics, service_.log);
  admin_ =
      std::make_unique<Listener>(io_, settings, reload_timeout, 0, std::move(admin), service_.metrics, service_.log);
}

Server::~Server() {
  if (loader_.joinable()) loader_.join();
  service_.queue.stop();
}

void Server::open_ports() {
  const Config& config = service_.config;
  const auto open = [](Listener& listener, const std::string& address, std::uint16_t port, const char* flag) {
    try {
      return listener.open(address, port);
    } catch (const boost::system::system_error& failure) {
      throw std::runtime_error("cannot listen on " + address + " port " + std::to_string(port) + ": " +
                               failure.code().message() + "; choose another with " + flag);
    }
  };
  const std::uint16_t api = open(*api_, config.address, config.port, "--port");
  const std::uint16_t admin = open(*admin_, config.admin_address, config.admin_port, "--admin-port");
  write_port_file(api, admin);
  service_.log.event(Level::info, "server_started",
                     {{"version", CATDOG_VERSION}, {"address", config.address}, {"port", api}, {"admin_port", admin}});
}

void Server::write_port_file(std::uint16_t api, std::uint16_t admin) const {
  const std::string& path = service_.config.port_file;
  if (path.empty()) return;
  // Renamed into place: who waits for the file never reads half of it.
  std::ofstream(path + ".new") << "api=" << api << "\nadmin=" << admin << "\n";
  std::filesystem::rename(path + ".new", path);
}

void Server::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& failure, int signal) {
    if (failure) return;
    if (signal == SIGHUP) {
      if (!reload([](const std::string&) {})) service_.log.event(Level::warning, "reload_ignored");
    } else if (service_.draining) {
      _exit(exit_at_once);
    } else {
      drain();
    }
    await_signal();
  });
}

void Server::drain() {
  service_.draining = true;
  api_->answer_with_close();
  drain_end_ = Clock::now() + std::chrono::milliseconds(service_.config.drain_limit_ms);
  service_.log.event(Level::info, "drain_started", {{"connections", api_->connections()}});
  drain_timer_.expires_after(std::chrono::milliseconds(service_.config.grace_ms));
  drain_timer_.async_wait([this](const boost::system::error_code& failure) {
    if (!failure) finish_drain();
  });
}

void Server::finish_drain() {
  api_->stop_accepting();
  api_->close_idle();
  await_drained();
}

void Server::await_drained() {
  const bool drained = api_->connections() == 0;
  if (drained || Clock::now() >= drain_end_) {
    stop(drained ? exit_done : exit_cut_off);
    return;
  }
  drain_timer_.expires_after(drain_poll);
  drain_timer_.async_wait([this](const boost::system::error_code& failure) {
    if (!failure) await_drained();
  });
}

void Server::stop(int exit_code) {
  exit_code_ = exit_code;
  service_.ready = false;
  api_->stop_accepting();
  admin_->stop_accepting();
  api_->close_all();
  admin_->close_all();
  signals_.cancel();
  drain_timer_.cancel();
  io_.stop();
}

int Server::run() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
  await_signal();
  try {
    open_ports();
  } catch (const std::exception& failure) {
    service_.log.event(Level::error, "listen_failed", {{"reason", failure.what()}});
    service_.log.flush();
    return exit_port;
  }
  api_->start();
  admin_->start();
  load_first_model();
  while (!io_.stopped()) {
    try {
      io_.run();
    } catch (
        const std::exception& failure) {  // One connection's end, such as no memory for its body; not the server's.
      service_.log.event(Level::error, "connection_failed", {{"reason", failure.what()}});
    }
  }
  service_.queue.stop();
  service_.log.event(Level::info, "server_stopped", {{"exit_code", exit_code_}});
  if (!service_.log.flush()) _exit(exit_code_);  // Nobody reads stderr: its thread would never end.
  return exit_code_;
}

}  // namespace catdog::service
