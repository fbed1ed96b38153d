// SPDX-License-Identifier: Apache-2.0
// A request is read: its head, checked before its body is asked for, and the body.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>

#include "http/connection.hpp"
#include "http/trace.hpp"

namespace catdog::service {

namespace {

constexpr std::uint64_t large_body = 1 << 20;
constexpr std::size_t read_block = 65536;  // Reads this large cost less than half of Beast's default.
constexpr int blocks_at_once = 16;         // Of one body, before others get their turn.
constexpr std::size_t header_block = 1024;
constexpr std::string_view continue_reply = "HTTP/1.1 100 Continue\r\n\r\n";

bool expects_continue(const HttpRequest& message) {
  return message.version() >= 11 && boost::beast::iequals(message[http::field::expect], "100-continue");
}

Problem bad_timeout() { return {400, "malformed", "X-Request-Timeout-Ms must be a whole number from 1 to 3600000."}; }

std::chrono::milliseconds wanted_timeout(const Request& request, std::chrono::milliseconds otherwise) {
  if (!request.has_header("X-Request-Timeout-Ms")) return otherwise;
  const std::string_view text = request.header("X-Request-Timeout-Ms");
  if (text.empty() || text.size() > 7 || text.find_first_not_of("0123456789") != std::string_view::npos)
    throw bad_timeout();
  const int value = std::stoi(std::string(text));
  if (value < 1 || value > 3'600'000) throw bad_timeout();
  return std::chrono::milliseconds(value);
}

}  // namespace

void Connection::begin_request() {
  phase_ = Phase::reading;
  request_.received = Clock::now();
  request_.client = client_;
  traceparent_.clear();
  parser_.emplace();
  parser_->header_limit(listener_.config().max_header_bytes);
  parser_->body_limit(listener_.config().max_body_bytes);
  arm(request_.received + std::chrono::milliseconds(listener_.config().read_timeout_ms));
}

// What came is mostly a whole header, and parsed at once. Of a body no more than that is read along.
void Connection::read_available() {
  const auto space = buffer_.prepare(header_block);
  const ssize_t got = recv(socket_.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
  if (would_block(got)) return await_request();  // News of bytes read since.
  if (got <= 0) return close();
  buffer_.commit(static_cast<std::size_t>(got));
  begin_request();
  ErrorCode failure;
  buffer_.consume(parser_->put(buffer_.data(), failure));
  if (failure == http::error::need_more) {
    read_header();
  } else {
    on_header(failure);
  }
}

void Connection::read_header() {
  http::async_read_header(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](const ErrorCode& failure, std::size_t) { self->on_header(failure); });
}

bool Connection::read_failed(const ErrorCode& failure) {
  if (phase_ == Phase::closed) return true;
  if (timed_out_) {
    timed_out_ = false;
    end_unknown_ = true;
    refuse(Problem(408, "too-slow", "The request took too long to arrive."));
    return true;
  }
  if (!failure) return false;
  refuse_unreadable(failure);
  return true;
}

void Connection::refuse_unreadable(const ErrorCode& failure) {
  end_unknown_ = true;
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
    end_unknown_ = true;
    refuse(problem);
    return;
  }
  if (read_failed(failure)) return;
  end_unknown_ = !parser_->is_done();
  try {
    check_route();
    // A client that waits for its 100 may send the body or not, and where a chunked one ends isn't known.
    unread_bytes_ = parser_->content_length_remaining().value_or(0);
    end_unknown_ = !parser_->is_done() && (unread_bytes_ == 0 || expects_continue(message));
    if (const auto problem = refusal_before_body()) {
      refuse(*problem);
      return;
    }
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
  if (request_.method != "OPTIONS") route_ = &listener_.router().find(request_.method, request_.path);
  check_head(parser_->get(), route_ != nullptr && route_->needs_body);
  timeout_ = wanted_timeout(request_, listener_.request_timeout());
}

// Of what won't be worked on, before its body takes time and memory.
std::optional<Problem> Connection::refusal_before_body() {
  if (route_ == nullptr || !route_->needs_body) return std::nullopt;
  const double wait = listener_.rate_limit().take(client_);
  if (wait > 0) {
    listener_.metrics().reject("client_rate");
    return Problem(429, "too-many-requests",
                   "Too many requests from this client; try again after the time in Retry-After.",
                   {{"Retry-After", std::to_string(static_cast<int>(wait) + 1)}});
  }
  const std::uint64_t length = parser_->content_length().value_or(0);
  if (route_->admit) {
    if (auto problem = route_->admit(length, Clock::now() + timeout_)) return problem;
  }
  const std::uint64_t bytes = parser_->chunked() ? listener_.config().max_body_bytes : length;
  if (reserve_body(bytes)) return std::nullopt;
  listener_.metrics().reject("body_memory");
  return Problem(503, "overloaded", "Too many large bodies at once; try again after the time in Retry-After.",
                 {{"Retry-After", "1"}});
}

// Many large uploads at once would use up the memory of a container before any of them reaches the queue's own limit.
bool Connection::reserve_body(std::uint64_t bytes) {
  if (bytes <= large_body) return true;
  if (!listener_.reserve_body(bytes)) return false;
  reserved_bytes_ = bytes;
  return true;
}

void Connection::release_body() { listener_.release_body(std::exchange(reserved_bytes_, 0)); }

void Connection::ask_for_body() {
  if (!expects_continue(parser_->get()) || buffer_.size() > 0) {
    read_body();
    return;
  }
  asio::async_write(socket_, asio::buffer(continue_reply),
                    [self = shared_from_this()](const ErrorCode& failure, std::size_t) {
                      if (!self->read_failed(failure)) self->read_body();
                    });
}

void Connection::read_body() {
  if (parser_->content_length()) {
    request_.body.reserve(unread_bytes_);
    receive_body();
    return;
  }
  buffer_.reserve(read_block);
  http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](const ErrorCode& failure, std::size_t) {
    if (!failure) self->request_.body = std::move(self->parser_->get().body());
    self->on_body(failure);
  });
}

// The rest of the body: to where it is needed, without a buffer between, as a photo is most of what the service reads.
// That of a refused request is dropped where it is: under overload, reading bodies would take most of the time.
void Connection::receive_body() {
  const bool skips = phase_ == Phase::skipping;
  const std::size_t buffered = std::min<std::uint64_t>(unread_bytes_, buffer_.size());
  if (!skips) request_.body.append(static_cast<const char*>(buffer_.data().data()), buffered);
  buffer_.consume(buffered);
  unread_bytes_ -= buffered;
  for (int blocks = 0; unread_bytes_ > 0; ++blocks) {
    if (blocks == blocks_at_once) return await_body();
    const ssize_t got = skips ? skip_some() : receive_some();
    if (would_block(got)) return await_body();
    if (got <= 0) return close();  // The client went away.
    unread_bytes_ -= static_cast<std::uint64_t>(got);
  }
  if (!skips) return on_body({});
  idle_since_ = Clock::now();
  await_request();
}

// No more room is made than bytes have come, as slow clients would fill the memory otherwise.
ssize_t Connection::receive_some() {
  std::string& body = request_.body;
  ErrorCode unknown;
  const std::size_t there = std::clamp(socket_.available(unknown), std::size_t{1}, read_block);
  const std::size_t had = body.size();
  body.resize(had + std::min<std::uint64_t>(unread_bytes_, there));
  const ssize_t got = recv(socket_.native_handle(), body.data() + had, body.size() - had, MSG_DONTWAIT);
  body.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));  // Smaller: errno stays.
  return got;
}

ssize_t Connection::skip_some() {
  static std::array<char, read_block> nowhere;  // MSG_TRUNC leaves it alone.
  const std::size_t wanted = std::min<std::uint64_t>(unread_bytes_, nowhere.size());
  return recv(socket_.native_handle(), nowhere.data(), wanted, MSG_TRUNC | MSG_DONTWAIT);
}

void Connection::await_body() {
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const ErrorCode& failure) {
    if (self->phase_ == Phase::reading && self->read_failed(failure)) return;
    if (self->phase_ == Phase::skipping && failure) return self->close();
    if (self->phase_ == Phase::reading || self->phase_ == Phase::skipping) self->receive_body();
  });
}

void Connection::on_body(const ErrorCode& failure) {
  if (read_failed(failure)) return;
  end_unknown_ = false;
  unread_bytes_ = 0;
  keep_alive_ = parser_->get().keep_alive();
  parser_.reset();
  if (buffer_.size() == 0) buffer_.shrink_to_fit();
  dispatch();
}

}  // namespace catdog::service
