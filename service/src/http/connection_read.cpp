// SPDX-License-Identifier: Apache-2.0
// A request is read: its head, checked before its body is asked for, and the body.
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>

#include "http/connection.hpp"
#include "http/trace.hpp"

namespace catdog::service {

namespace {

constexpr std::uint64_t large_body = 1 << 20;
constexpr std::size_t read_block = 65536;  // Reads this large cost less than half of Beast's default.
constexpr std::string_view continue_reply = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

void Connection::read_header() {
  phase_ = Phase::reading;
  request_.received = Clock::now();
  request_.client = client_;
  traceparent_.clear();
  parser_.emplace();
  parser_->header_limit(listener_.config().max_header_bytes);
  parser_->body_limit(listener_.config().max_body_bytes);
  arm(std::chrono::milliseconds(listener_.config().read_timeout_ms));
  http::async_read_header(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](const ErrorCode& failure, std::size_t) { self->on_header(failure); });
}

bool Connection::read_failed(const ErrorCode& failure) {
  if (phase_ == Phase::closed) return true;
  if (timed_out_) {
    timed_out_ = false;
    body_unread_ = true;
    refuse(Problem(408, "too-slow", "The request took too long to arrive."));
    return true;
  }
  if (!failure) return false;
  refuse_unreadable(failure);
  return true;
}

void Connection::refuse_unreadable(const ErrorCode& failure) {
  body_unread_ = true;
  if (failure == http::error::header_limit) {
    refuse(Problem(431, "header-too-large",
                   "The header is larger than " + std::to_string(listener_.config().max_header_bytes) + " bytes."));
  } else if (failure == http::error::body_limit) {
    refuse(Problem(413, "too-large",
                   "The body is larger than " + std::to_string(listener_.config().max_body_bytes) + " bytes."));
  } else if (failure == http::error::end_of_stream || failure == http::error::partial_message ||
             failure.category() != http::make_error_code(http::error::bad_method).category()) {
    close();  // The client went away.
  } else {
    refuse(Problem(400, "malformed", "Not a sound HTTP/1.1 request: " + failure.message() + "."));
  }
}

void Connection::on_header(const ErrorCode& failure) {
  const HttpRequest& message = parser_->get();
  if (phase_ == Phase::closed) return;
  const bool head_read = parser_->is_header_done() || failure == http::error::body_limit;
  try {
    if (head_read) {
      read_head(message, request_);
      traceparent_ = continue_trace(request_.header("traceparent"));
    }
  } catch (const Problem& problem) {
    body_unread_ = true;
    refuse(problem);
    return;
  }
  if (read_failed(failure)) return;
  body_unread_ = !parser_->is_done();
  try {
    check_route();
    reserve_body();
  } catch (const Problem& problem) {
    refuse(problem);
    return;
  }
  if (parser_->is_done()) {
    on_body({});
  } else {
    ask_for_body();
  }
}

void Connection::check_route() {
  const HttpRequest& message = parser_->get();
  if (request_.method != "OPTIONS") route_ = &listener_.router().find(request_.method, request_.path);
  const bool needs_body = route_ != nullptr && route_->needs_body;
  check_head(message, needs_body);
  if (!needs_body) return;
  const double wait = listener_.rate_limit().take(client_);
  if (wait > 0) {
    listener_.metrics().reject("client_rate");
    throw Problem(429, "too-many-requests",
                  "Too many requests from this client; try again after the time in Retry-After.",
                  {{"Retry-After", std::to_string(static_cast<int>(wait) + 1)}});
  }
}

// Many large uploads at once would use up the memory of a container before any of them reaches the queue's own limit.
void Connection::reserve_body() {
  const auto length = parser_->content_length();
  const std::uint64_t bytes = length ? *length : parser_->chunked() ? listener_.config().max_body_bytes : 0;
  if (bytes <= large_body) return;
  if (!listener_.reserve_body(bytes)) {
    listener_.metrics().reject("body_memory");
    throw Problem(503, "overloaded", "Too many large bodies at once; try again after the time in Retry-After.",
                  {{"Retry-After", "1"}});
  }
  reserved_bytes_ = bytes;
}

void Connection::release_body() { listener_.release_body(std::exchange(reserved_bytes_, 0)); }

void Connection::ask_for_body() {
  if (buffer_.capacity() < read_block) buffer_.reserve(read_block);
  const HttpRequest& message = parser_->get();
  const bool waits = message.version() >= 11 && boost::beast::iequals(message[http::field::expect], "100-continue");
  if (!waits || buffer_.size() > 0) {
    read_body();
    return;
  }
  asio::async_write(socket_, asio::buffer(continue_reply),
                    [self = shared_from_this()](const ErrorCode& failure, std::size_t) {
                      if (!self->read_failed(failure)) self->read_body();
                    });
}

void Connection::read_body() {
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this()](const ErrorCode& failure, std::size_t) { self->on_body(failure); });
}

void Connection::on_body(const ErrorCode& failure) {
  if (read_failed(failure)) return;
  body_unread_ = false;
  keep_alive_ = parser_->get().keep_alive();
  request_.body = std::move(parser_->get().body());
  dispatch();
}

}  // namespace catdog::service
