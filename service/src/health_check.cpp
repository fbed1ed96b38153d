// SPDX-License-Identifier: Apache-2.0
#include "health_check.hpp"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
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
constexpr auto timeout = std::chrono::seconds(3);  // For all of it; probes are answered beside the images.
constexpr std::size_t most_shown = 200;

// Where a server that listens on `address` is reached from this machine. A listener on "::" takes IPv4 too.
asio::ip::address reachable(const std::string& address) {
  asio::ip::address found = asio::ip::make_address(address);
  if (found.is_unspecified()) found = asio::ip::address_v4::loopback();
  return found;
}

asio::awaitable<http::response<http::string_body>> ask(tcp::endpoint server, std::string host) {
  beast::tcp_stream stream(co_await asio::this_coro::executor);
  stream.expires_after(timeout);
  co_await stream.async_connect(server, asio::use_awaitable);
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, host);
  request.set(http::field::connection, "close");
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer(std::size_t{64} * 1024);
  http::response<http::string_body> reply;
  co_await http::async_read(stream, buffer, reply, asio::use_awaitable);
  co_return reply;
}

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
  asio::io_context io;
  auto asked = asio::co_spawn(io, ask({address, config.port}, host), asio::use_future);
  io.run();
  http::response<http::string_body> reply;
  try {
    reply = asked.get();
  } catch (const boost::system::system_error& failure) {
    const bool late = failure.code() == beast::error::timeout;
    std::cerr << "unhealthy: " << url
              << " doesn't answer: " << (late ? "no reply within 3 s" : failure.code().message()) << '\n';
    return 1;
  }
  const bool ready = reply.result() == http::status::ok;
  (ready ? std::cout : std::cerr) << (ready ? "healthy: " : "unhealthy: ") << url << " answers " << reply.result_int()
                                  << ' ' << shown(reply.body()) << '\n';
  return ready ? 0 : 1;
}

}  // namespace catdog::service
