// SPDX-License-Identifier: Apache-2.0
// One client's connection: a request is read within its limits, answered, and the next one awaited. All on the I/O
// thread, but for a worker that sends its own answer: waking up the I/O thread to send it costs two switches between
// threads, and where all cores are busy one request in forty (docs/performance.md).
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <mutex>
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
  enum class Phase { idle, reading, working, writing, skipping, lingering, closed };
  // Of the right to answer, from the I/O thread to a worker and back.
  enum class Handover { none, open, answered };
  using ErrorCode = boost::system::error_code;

  // Whether a call on the socket found nothing to do; right after it, by errno.
  static bool would_block(ssize_t result) noexcept {
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  }

  // connection_read.cpp: reading
  void begin_request();
  void read_available();
  void read_header();
  void on_header(const ErrorCode& failure);
  void check_route();
  std::optional<Problem> refusal_before_body();
  bool reserve_body(std::uint64_t bytes);
  void release_body();
  void ask_for_body();
  void read_body();
  void receive_body();
  ssize_t receive_some();
  ssize_t skip_some();
  void await_body();
  void on_body(const ErrorCode& failure);
  void refuse_unreadable(const ErrorCode& failure);
  bool read_failed(const ErrorCode& failure);

  // connection_reply.cpp: answering
  void dispatch();
  void on_reply(Response response);
  void refuse(const Problem& problem);
  Response answer_options();
  void add_cors(Response& response) const;

  // connection_write.cpp: the answer on its way
  void write(Response response);
  void await_answer();
  bool send_from_worker(Response& response);
  bool reclaim();
  bool take_over();
  void render(Response& response);
  void send_some();
  void send_rest();
  void on_written(const ErrorCode& failure);
  void record(const char* event);

  // connection.cpp: from one request to the next, and the end
  void forget_request();
  void await_request();
  void watch();
  void on_readable(const ErrorCode& failure);
  void abandon();
  void linger();
  void discard();
  void arm(Clock::time_point expiry);
  void await_timer();
  void on_timer();

  tcp::socket socket_;
  Listener& listener_;
  asio::steady_timer timer_;
  bool timer_set_ = false;
  Clock::time_point expiry_;  // What the timer is for; it may wake up before.
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  Phase phase_ = Phase::idle;
  bool timed_out_ = false;
  bool watching_ = false;           // on_readable will be called.
  bool end_unknown_ = false;        // Where the next request begins can't be told.
  std::uint64_t unread_bytes_ = 0;  // Of the body, else.
  bool keep_alive_ = true;          // After this answer.
  std::string client_;
  Clock::time_point idle_since_;
  Request request_;  // Until it is dispatched.
  std::chrono::milliseconds timeout_{};
  std::string traceparent_;
  const Route* route_ = nullptr;
  // Guards all below, and the socket's being open, while handover_ is open.
  std::mutex handover_mutex_;
  Handover handover_ = Handover::none;
  CallPtr call_;
  // Of the answer that is being written:
  std::string reply_;
  std::size_t reply_sent_ = 0;
  bool recorded_ = false;
  int status_ = 0;
  std::string problem_;
  std::size_t received_bytes_ = 0;
  std::size_t sent_bytes_ = 0;
  std::size_t discarded_bytes_ = 0;
  std::uint64_t reserved_bytes_ = 0;
};

}  // namespace catdog::service
