// SPDX-License-Identifier: Apache-2.0
#include "service/proxy.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>

#include "service/client.hpp"

namespace catdog::service_tests {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr auto probe_interval = std::chrono::milliseconds(20);

bool says_ready(std::uint16_t port) {
  try {
    return ask(port, "GET", "/health/ready").status == 200;
  } catch (const std::exception&) {  // Nothing listens there.
    return false;
  }
}

}  // namespace

// A connection to an instance, kept for the next request of the same client.
struct Proxy::Upstream {
  Upstream(asio::io_context& io, const Instance& to) : generation(to.generation), port(to.port), socket(io) {}

  bool exchange(const http::request<http::string_body>& request, http::response<http::string_body>& response) {
    error_code failure;
    if (!socket.is_open()) {
      socket.connect({asio::ip::address_v4::loopback(), port}, failure);
      if (failure) return false;
      socket.set_option(Tcp::no_delay(true), failure);
    }
    http::write(socket, request, failure);
    if (failure) return false;
    http::response<http::string_body> reply;
    http::read(socket, buffer, reply, failure);
    if (!failure) response = std::move(reply);
    return !failure;
  }

  const int generation;
  const std::uint16_t port;
  Tcp::socket socket;
  boost::beast::flat_buffer buffer;
};

Proxy::Proxy(const std::vector<std::uint16_t>& instances)
    : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}),
      port_(acceptor_.local_endpoint().port()),
      instances_(instances.size()) {
  for (std::size_t i = 0; i < instances.size(); ++i) instances_[i].port = instances[i];
  prober_ = std::thread([this] { probe(); });
  accepter_ = std::thread([this] { accept(); });
}

Proxy::~Proxy() {
  stop_ = true;
  prober_.join();
  Client wake(port_);  // accept() waits for a connection.
  accepter_.join();
  wake.reset();
  for (std::thread& client : clients_) client.join();
}

void Proxy::set_port(std::size_t instance, std::uint16_t port) { instances_[instance].port = port; }

void Proxy::probe() {
  while (!stop_) {
    for (Instance& instance : instances_) {
      const bool ready = says_ready(instance.port);
      if (ready && !instance.ready) ++instance.generation;
      instance.ready = ready;
    }
    std::this_thread::sleep_for(probe_interval);
  }
}

void Proxy::accept() {
  while (!stop_) {
    error_code failure;
    Tcp::socket client(io_);
    acceptor_.accept(client, failure);
    if (!failure) clients_.emplace_back([this, client = std::move(client)]() mutable { serve(std::move(client)); });
  }
}

// The next one that is ready; their number when none is.
std::size_t Proxy::choose() {
  const std::size_t turn = turn_++;
  for (std::size_t i = 0; i < instances_.size(); ++i) {
    const std::size_t instance = (turn + i) % instances_.size();
    if (instances_[instance].ready) return instance;
  }
  return instances_.size();
}

void Proxy::serve(Tcp::socket client) {
  boost::beast::flat_buffer buffer;
  std::vector<std::unique_ptr<Upstream>> upstreams(instances_.size());
  error_code failure;
  client.set_option(Tcp::no_delay(true), failure);
  while (true) {
    http::request<http::string_body> request;
    http::read(client, buffer, request, failure);
    if (failure) return;  // The client has ended.
    http::response<http::string_body> response(http::status::bad_gateway, 11);
    if (const std::size_t chosen = choose(); chosen < upstreams.size()) {
      std::unique_ptr<Upstream>& upstream = upstreams[chosen];
      if (!upstream || upstream->generation != instances_[chosen].generation) {
        upstream = std::make_unique<Upstream>(io_, instances_[chosen]);
      }
      if (!upstream->exchange(request, response) || !response.keep_alive()) upstream.reset();
    }
    response.keep_alive(true);
    response.prepare_payload();
    http::write(client, response, failure);
    if (failure) return;
  }
}

}  // namespace catdog::service_tests
