// SPDX-License-Identifier: Apache-2.0
#include "http/listener.hpp"

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/write.hpp>
#include <vector>

#include "http/connection.hpp"

namespace catdog::service {

namespace {

constexpr std::string_view full_reply =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n";

}  // namespace

Listener::Listener(asio::io_context& io, const Config& config, std::chrono::milliseconds request_timeout,
                   double client_rate, Router router, Metrics& metrics, Log& log)
    : config_(config),
      request_timeout_(request_timeout),
      router_(std::move(router)),
      metrics_(metrics),
      log_(log),
      rate_limit_(client_rate, config.client_burst),
      acceptor_(io),
      retry_(io) {}

Listener::~Listener() { close_all(); }

std::uint16_t Listener::open(const std::string& address, std::uint16_t port) {
  tcp::endpoint endpoint(asio::ip::make_address(address), port);
  boost::system::error_code failure;
  acceptor_.open(endpoint.protocol(), failure);
  if (failure == asio::error::address_family_not_supported && address == "::") {  // A machine without IPv6.
    endpoint = tcp::endpoint(tcp::v4(), port);
    acceptor_.open(endpoint.protocol());
  } else if (failure) {
    throw boost::system::system_error(failure);
  }
  if (endpoint.protocol() == tcp::v6()) acceptor_.set_option(asio::ip::v6_only(false));
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.bind(endpoint);
  acceptor_.listen(4096);
  return acceptor_.local_endpoint().port();
}

void Listener::accept() {
  acceptor_.async_accept(
      [this](const boost::system::error_code& failure, tcp::socket socket) { on_accept(failure, std::move(socket)); });
}

void Listener::on_accept(const boost::system::error_code& failure, tcp::socket socket) {
  if (!acceptor_.is_open() || failure == asio::error::operation_aborted) return;
  if (failure) {  // Out of files, most likely: give others time to end.
    log_.event(Level::warning, "accept_failed", {{"reason", failure.message()}});
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](const boost::system::error_code& stopped) {
      if (!stopped) accept();
    });
    return;
  }
  boost::system::error_code ignored;
  if (connections_.size() >= config_.max_connections) {
    metrics_.reject("connections");
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(full_reply), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  } else {
    metrics_.connections_accepted.Increment();
    metrics_.connections_open.Increment();
    const auto connection = std::make_shared<Connection>(std::move(socket), *this);
    connections_.insert(connection.get());
    connection->start();
  }
  accept();
}

bool Listener::reserve_body(std::uint64_t bytes) {
  if (reserved_bytes_ > 0 && reserved_bytes_ + bytes > config_.max_queue_bytes) return false;
  reserved_bytes_ += bytes;
  return true;
}

void Listener::remove(Connection* connection) {
  if (connections_.erase(connection) > 0) metrics_.connections_open.Decrement();
}

void Listener::stop_accepting() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
}

void Listener::close_idle() {
  closing_idle_ = true;
  const std::vector<Connection*> open(connections_.begin(), connections_.end());
  for (Connection* connection : open) connection->close_if_idle();
}

void Listener::close_all() {
  const std::vector<Connection*> open(connections_.begin(), connections_.end());
  for (Connection* connection : open) connection->close();
}

}  // namespace catdog::service
