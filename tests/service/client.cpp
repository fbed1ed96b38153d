// SPDX-License-Identifier: Apache-2.0
#include "service/client.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

#include "service/wait.hpp"

namespace catdog::service_tests {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

std::string Reply::problem() const {
  const auto type = headers.find("content-type");
  if (type == headers.end() || type->second != "application/problem+json") return "";
  const std::string uri = json().at("type");
  return uri.substr(uri.rfind('/') + 1);
}

Client::Client(std::uint16_t port, bool ipv6)
    : socket_(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  int result = -1;
  if (ipv6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_loopback;
    result = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    result = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  if (result != 0) {
    ::close(socket_);
    throw std::runtime_error("cannot connect");
  }
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Client::Client(Client&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), buffer_(std::move(other.buffer_)) {}

Client::~Client() {
  if (socket_ >= 0) ::close(socket_);
}

bool Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Client::fill() {
  pollfd wait{socket_, POLLIN, 0};
  if (poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(wait_timeout).count())) <= 0)
    throw std::runtime_error("no reply in time");
  char block[65536];
  const ssize_t got = recv(socket_, block, sizeof block, 0);
  if (got <= 0) return false;
  buffer_.append(block, static_cast<std::size_t>(got));
  return true;
}

Reply Client::read(bool head) {
  Reply reply;
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return reply;
  }
  const std::string text = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  reply.status = std::stoi(text.substr(9, 3));
  for (std::size_t line = text.find("\r\n") + 2; line < text.size();) {
    const std::size_t stop = text.find("\r\n", line);
    const std::size_t colon = text.find(": ", line);
    reply.headers[lower(text.substr(line, colon - line))] = text.substr(colon + 2, stop - colon - 2);
    line = stop + 2;
  }
  const auto length = reply.headers.find("content-length");
  const std::size_t size = head || length == reply.headers.end() ? 0 : std::stoul(length->second);
  while (buffer_.size() < size) {
    if (!fill()) return {};
  }
  reply.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return reply;
}

bool Client::closed(std::chrono::milliseconds wait) const {
  pollfd event{socket_, POLLIN, 0};
  char byte = 0;
  return poll(&event, 1, static_cast<int>(wait.count())) > 0 && recv(socket_, &byte, 1, MSG_PEEK) <= 0;
}

bool Client::readable() const {
  pollfd event{socket_, POLLIN, 0};
  return poll(&event, 1, 0) > 0;
}

void Client::half_close() const { shutdown(socket_, SHUT_WR); }

void Client::reset() {
  const linger now{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(std::exchange(socket_, -1));
}

std::string make_head(std::string_view method, std::string_view path, std::string_view headers) {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) + "\r\n";
}

std::string content_length(std::size_t bytes) { return "Content-Length: " + std::to_string(bytes) + "\r\n"; }

std::string make_request(std::string_view method, std::string_view path, std::string_view body,
                         std::string_view headers) {
  const bool has_body = !body.empty() || method == "POST";
  return make_head(method, path, std::string(headers) + (has_body ? content_length(body.size()) : "")) +
         std::string(body);
}

Reply Client::request(std::string_view method, std::string_view path, std::string_view body, std::string_view headers) {
  send(make_request(method, path, body, headers));
  return read(method == "HEAD");
}

Reply ask(std::uint16_t port, std::string_view method, std::string_view path, std::string_view body,
          std::string_view headers) {
  return Client(port).request(method, path, body, headers);
}

std::string form(const std::vector<std::string>& files) {
  std::string body;
  for (const std::string& file : files) {
    body += "--XxYyZz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"pet.jpg\"\r\n\r\n" + file + "\r\n";
  }
  return body + "--XxYyZz--\r\n";
}

}  // namespace catdog::service_tests
