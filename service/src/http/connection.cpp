// SPDX-License-Identifier: Apache-2.0
#include "http/connection.hpp"

#include <sys/socket.h>

namespace catdog::service {

namespace {

constexpr auto linger_time = std::chrono::seconds(2);
constexpr std::size_t most_discarded = std::size_t{64} << 20U;

}  // namespace

Connection::Connection(tcp::socket socket, Listener& listener)
    : socket_(std::move(socket)), listener_(listener), timer_(socket_.get_executor()) {}

Connection::~Connection() {
  if (phase_ != Phase::closed) listener_.remove(this);
}

void Connection::start() {
  ErrorCode failure;
  socket_.set_option(tcp::no_delay(true), failure);
  const tcp::endpoint peer = socket_.remote_endpoint(failure);
  if (!failure) client_ = peer.address().to_string();
  idle_since_ = Clock::now();
  await_request();
}

// Mostly a later time than the last: the timer then goes on, and looks again when it wakes up.
void Connection::arm(Clock::time_point expiry) {
  expiry_ = expiry;
  if (!timer_set_ || timer_.expiry() > expiry) await_timer();
}

void Connection::await_timer() {
  timer_set_ = true;
  timer_.expires_at(expiry_);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
    if (cancelled || self->phase_ == Phase::closed) return;
    if (Clock::now() < self->expiry_) {
      self->await_timer();
    } else {
      self->timer_set_ = false;
      self->on_timer();
    }
  });
}

void Connection::on_timer() {
  ErrorCode ignored;
  switch (phase_) {
    case Phase::reading:
      timed_out_ = true;
      socket_.cancel(ignored);  // The read's handler answers.
      break;
    case Phase::working:
      if (take_over()) {
        if (phase_ == Phase::idle) await_request();
      } else if (const CallPtr call = call_; call && Clock::now() < call->request().deadline) {
        await_answer();
      } else if (call) {
        call->reply(
            Router::refusal(Expired("The answer was not ready before its deadline; try again."), call->request()),
            [this] { listener_.metrics().reject("expired"); });
        call->abandon();  // After the reply: else the worker could take it for a client that went away.
      }
      break;
    default: close();
  }
}

void Connection::forget_request() {
  phase_ = Phase::idle;
  request_ = {};
  call_.reset();
  route_ = nullptr;
  end_unknown_ = false;
  unread_bytes_ = 0;
  reply_ = {};
  recorded_ = false;
}

// The time that a connection may be idle counts from idle_since_.
void Connection::await_request() {
  forget_request();
  if (buffer_.size() > 0) {  // Pipelined.
    begin_request();
    read_header();
    return;
  }
  if (listener_.closing_idle()) {
    close();
    return;
  }
  parser_.reset();
  buffer_.shrink_to_fit();  // Idle connections hold no memory to speak of.
  arm(idle_since_ + std::chrono::milliseconds(listener_.config().idle_timeout_ms));
  watch();
}

// For the next request when idle, for the client's end while it waits for an answer.
void Connection::watch() {
  if (std::exchange(watching_, true)) return;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const ErrorCode& failure) {
    self->watching_ = false;
    self->on_readable(failure);
  });
}

void Connection::on_readable(const ErrorCode& failure) {
  if (phase_ == Phase::working && !take_over()) {
    char byte = 0;
    const ssize_t got = failure ? 0 : recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (would_block(got)) {
      await_answer();
    } else if (got <= 0) {
      abandon();
    }  // Else pipelined: what comes next is a request, not an end.
  } else if (phase_ == Phase::idle) {
    if (failure) {
      close();
    } else {
      read_available();
    }
  }
}

// A client that closes its side while it waits gets no answer, and its picture no inference.
void Connection::abandon() {
  listener_.metrics().abandoned.Increment();
  status_ = 499;
  record("request_abandoned");
  close();
}

// Closing at once with unread data would reset the connection and lose the answer: the rest is read and dropped first.
void Connection::linger() {
  phase_ = Phase::lingering;
  ErrorCode failure;
  socket_.shutdown(tcp::socket::shutdown_send, failure);
  if (failure) {
    close();
    return;
  }
  discarded_bytes_ = 0;
  buffer_.consume(buffer_.size());
  arm(Clock::now() + linger_time);
  discard();
}

void Connection::discard() {
  socket_.async_read_some(
      buffer_.prepare(65536), [self = shared_from_this()](const ErrorCode& failure, std::size_t got) {
        self->discarded_bytes_ += got;
        if (failure || self->phase_ != Phase::lingering || self->discarded_bytes_ > most_discarded) {
          self->close();
        } else {
          self->discard();
        }
      });
}

void Connection::close_if_idle() {
  if (phase_ == Phase::working) take_over();
  if (phase_ == Phase::idle) close();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  if (phase_ == Phase::working && !reclaim()) listener_.metrics().in_flight.Decrement();
  phase_ = Phase::closed;
  release_body();
  if (call_) call_->abandon();
  call_.reset();
  timer_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
  listener_.remove(this);
}

}  // namespace catdog::service
