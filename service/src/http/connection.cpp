// SPDX-License-Identifier: Apache-2.0
#include "http/connection.hpp"

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
  await_request();
}

void Connection::arm(std::chrono::milliseconds delay) {
  timer_.expires_after(delay);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
    if (!cancelled && self->timer_.expiry() <= Clock::now()) self->on_timer();
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
      if (const CallPtr call = call_) {
        call->reply(
            Router::refusal(Expired("The answer was not ready before its deadline; try again."), call->request()),
            [this] { listener_.metrics().reject("expired"); });
        call->abandon();  // After the reply: else the worker could take it for a client that went away.
      }
      break;
    default: close();
  }
}

void Connection::await_request() {
  phase_ = Phase::idle;
  request_ = {};
  call_.reset();
  route_ = nullptr;
  body_unread_ = false;
  if (buffer_.size() > 0) {  // Pipelined.
    read_header();
    return;
  }
  if (listener_.closing_idle()) {
    close();
    return;
  }
  parser_.reset();
  buffer_.shrink_to_fit();  // Idle connections hold no memory to speak of.
  arm(std::chrono::milliseconds(listener_.config().idle_timeout_ms));
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const ErrorCode& failure) {
    if (self->phase_ != Phase::idle) return;
    if (failure) {
      self->close();
    } else {
      self->read_header();
    }
  });
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
  arm(linger_time);
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
  if (phase_ == Phase::idle) close();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  if (phase_ == Phase::working) listener_.metrics().in_flight.Decrement();
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
