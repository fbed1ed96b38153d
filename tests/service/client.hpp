// SPDX-License-Identifier: Apache-2.0
// A small HTTP client over a socket, so that tests decide about each byte and its time.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "service/wait.hpp"

namespace catdog::service_tests {

struct Reply {
  int status = 0;                              // 0: the connection ended before a reply.
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
  nlohmann::json json() const { return nlohmann::json::parse(body); }
  // Type of a problem document without its prefix; "" when it is none.
  std::string problem() const;
};

class Client {
 public:
  explicit Client(std::uint16_t port, bool ipv6 = false);
  ~Client();
  Client(Client&& other) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client& operator=(Client&&) = delete;

  bool send(std::string_view bytes) const;  // False when the server has closed.
  Reply read(bool head = false);            // The next reply; `head`: it has no body.
  // Whether the server closes within that time without sending anything before.
  bool closed(std::chrono::milliseconds wait = wait_timeout) const;
  bool readable() const;  // Whether a reply or the end is there.
  void half_close() const;
  void reset();  // Ends the connection the hard way.
  int descriptor() const { return socket_; }

  Reply request(std::string_view method, std::string_view path, std::string_view body = {},
                std::string_view headers = {});

 private:
  bool fill();
  int socket_ = -1;
  std::string buffer_;
};

// One request on a connection of its own.
Reply ask(std::uint16_t port, std::string_view method, std::string_view path, std::string_view body = {},
          std::string_view headers = {});
// A request's head without its body, and the header that announces one.
std::string make_head(std::string_view method, std::string_view path, std::string_view headers = {});
std::string content_length(std::size_t bytes);
std::string make_request(std::string_view method, std::string_view path, std::string_view body = {},
                         std::string_view headers = {});
// A multipart/form-data body of `file` fields; its Content-Type is form_type.
std::string form(const std::vector<std::string>& files);
inline constexpr std::string_view form_type = "Content-Type: multipart/form-data; boundary=XxYyZz\r\n";
inline constexpr std::string_view octets = "Content-Type: application/octet-stream\r\n";
// The server's 100 tells that it has read the head and reserved what the body needs.
inline constexpr std::string_view expect_continue = "Expect: 100-continue\r\n";

}  // namespace catdog::service_tests
