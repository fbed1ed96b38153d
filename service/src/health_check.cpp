// SPDX-License-Identifier: Apache-2.0
#include "health_check.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <iostream>
#include <string>

namespace catdog::service {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr const char* target = "/health/ready";
constexpr auto patience = std::chrono::seconds(3);  // For all of it; probes are answered beside the images.
constexpr std::size_t most_shown = 200;

// Where a server that listens on `address` is reached from this machine. A listener on "::" takes IPv4 too.
asio::ip::address reachable(const std::string& address) {
  asio::ip::address found = asio::ip::make_address(address);
  if (found.is_unspecified()) found = asio::ip::address_v4::loopback();
  return found;
}

class Check {
 public:
  Check(const tcp::endpoint& server, const std::string& host) : stream_(io_), request_(http::verb::get, target, 11) {
    request_.set(http::field::host, host);
    request_.set(http::field::connection, "close");
    stream_.expires_after(patience);
    stream_.async_connect(server, [this](const beast::error_code& failure) {
      if (good(failure)) send();
    });
  }

  // The failure, or the reply in `reply`.
  beast::error_code run() {
    io_.run();
    return failure_;
  }
  const http::response<http::string_body>& reply() const { return reply_; }

 private:
  bool good(const beast::error_code& failure) {
    failure_ = failure;
    return !failure;
  }
  void send() {
    http::async_write(stream_, request_, [this](const beast::error_code& failure, std::size_t) {
      if (good(failure)) receive();
    });
  }
  void receive() {
    http::async_read(stream_, buffer_, reply_,
                     [this](const beast::error_code& failure, std::size_t) { failure_ = failure; });
  }

  asio::io_context io_;
  beast::tcp_stream stream_;
  http::request<http::empty_body> request_;
  beast::flat_buffer buffer_{std::size_t{64} * 1024};
  http::response<http::string_body> reply_;
  beast::error_code failure_;
};

// One line of what another program may have sent.
std::string shown(std::string text) {
  text.resize(std::min(text.size(), most_shown));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

}  // namespace

int check_health(const Config& config) {
  const asio::ip::address address = reachable(config.address);
  const std::string text = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  const std::string host = text + ":" + std::to_string(config.port);
  const std::string url = "http://" + host + target;
  Check check({address, config.port}, host);
  if (const beast::error_code failure = check.run()) {
    std::cerr << "unhealthy: " << url
              << " doesn't answer: " << (failure == beast::error::timeout ? "no reply within 3 s" : failure.message())
              << '\n';
    return 1;
  }
  const auto& reply = check.reply();
  const bool ready = reply.result() == http::status::ok;
  (ready ? std::cout : std::cerr) << (ready ? "healthy: " : "unhealthy: ") << url << " answers " << reply.result_int()
                                  << ' ' << shown(reply.body()) << '\n';
  return ready ? 0 : 1;
}

}  // namespace catdog::service
