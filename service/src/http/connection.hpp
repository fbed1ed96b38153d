// SPDX-License-Identifier: Apache-2.0
// One client's connection: a request is read within its limits, answered, and the next one awaited. All on the I/O
// thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <string>

#include "call.hpp"
#include "http/listener.hpp"
#include "http/message.hpp"

namespace catdog::service {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Listener& listener);
  ~Connection();

  void start();
  void close_if_idle();
  void close();

 private:
  enum class Phase { idle, reading, working, writing, lingering, closed };
  using ErrorCode = boost::system::error_code;

  // connection_read.cpp: reading
  void read_header();
  void on_header(const ErrorCode& failure);
  void check_route();
  void reserve_body();
  void release_body();
  void ask_for_body();
  void read_body();
  void on_body(const ErrorCode& failure);
  void refuse_unreadable(const ErrorCode& failure);
  bool read_failed(const ErrorCode& failure);

  // connection_reply.cpp: answering
  void dispatch();
  void watch_client();
  void on_reply(Response response);
  void refuse(const Problem& problem);
  Response answer_options();
  void add_cors(Response& response) const;
  void write(Response response);
  template <typename Message>
  void write_message(std::shared_ptr<Message> message);
  void on_written(const ErrorCode& failure);
  void record(const char* event);

  // connection.cpp: from one request to the next, and the end
  void await_request();
  void linger();
  void discard();
  void arm(std::chrono::milliseconds delay);
  void on_timer();

  tcp::socket socket_;
  Listener& listener_;
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  Phase phase_ = Phase::idle;
  bool timed_out_ = false;
  bool body_unread_ = false;  // The request has a body that was not read: what follows is not a request.
  bool keep_alive_ = true;    // After this answer.
  std::string client_;
  Request request_;  // Until it is dispatched.
  std::string traceparent_;
  const Route* route_ = nullptr;
  CallPtr call_;
  // Of the answer that is being written:
  int status_ = 0;
  std::string problem_;
  std::size_t received_bytes_ = 0;
  std::size_t sent_bytes_ = 0;
  std::size_t discarded_bytes_ = 0;
  std::uint64_t reserved_bytes_ = 0;
};

}  // namespace catdog::service
