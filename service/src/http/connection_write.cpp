// SPDX-License-Identifier: Apache-2.0
// The answer on its way: sent at once as far as the socket takes it, which is nearly always to its end.
#include <sys/socket.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>
#include <cmath>

#include "http/connection.hpp"
#include "http/trace.hpp"

namespace catdog::service {

void Connection::write(Response response) {
  phase_ = Phase::writing;
  release_body();
  if (listener_.draining()) keep_alive_ = false;
  render(response);
  send_some();
  if (reply_sent_ == reply_.size()) {
    on_written({});
  } else {
    send_rest();
  }
}

// From now on a worker may answer, unless more than a reply is to be done then. A worker's answer doesn't set the
// timer, which therefore wakes up when the connection might have been idle for too long.
void Connection::await_answer() {
  arm(std::min(call_->request().deadline,
               Clock::now() + std::chrono::milliseconds(listener_.config().idle_timeout_ms)));
  if (buffer_.size() > 0) return;  // Pipelined: what comes next is a request, not an end.
  watch();
  if (!keep_alive_ || reserved_bytes_ > 0) return;
  const std::lock_guard lock(handover_mutex_);
  handover_ = Handover::open;
}

// In a worker. False when the I/O thread has to answer: it may be about to close the connection, or not watch it.
bool Connection::send_from_worker(Response& response) {
  const std::lock_guard lock(handover_mutex_);
  if (handover_ != Handover::open || listener_.draining()) return false;
  render(response);
  listener_.metrics().in_flight.Decrement();
  record("request_completed");  // Before it is sent: who has an answer finds it counted.
  call_.reset();
  idle_since_ = Clock::now();
  handover_ = Handover::answered;
  send_some();
  if (reply_sent_ < reply_.size()) {  // A client that doesn't read.
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      if (self->phase_ == Phase::working) self->take_over();
    });
  }
  return true;
}

// From now on only the I/O thread may answer; true when a worker has.
bool Connection::reclaim() {
  const std::lock_guard lock(handover_mutex_);
  return std::exchange(handover_, Handover::none) == Handover::answered;
}

// The I/O thread goes on where a worker has answered; false when none has.
bool Connection::take_over() {
  if (!reclaim()) return false;
  if (reply_sent_ == reply_.size()) {
    forget_request();
  } else {
    phase_ = Phase::writing;
    send_rest();
  }
  return true;
}

void Connection::render(Response& response) {
  add_cors(response);
  const Request& request = call_ ? call_->request() : request_;
  if (traceparent_.empty()) traceparent_ = continue_trace({});
  status_ = response.status;
  problem_ = response.problem;
  sent_bytes_ = response.body.size();
  reply_ = render_reply(response, request, traceparent_, keep_alive_);
  reply_sent_ = 0;
}

void Connection::send_some() {
  const ssize_t sent = send(socket_.native_handle(), reply_.data(), reply_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) reply_sent_ = static_cast<std::size_t>(sent);
}

void Connection::send_rest() {
  arm(Clock::now() + std::chrono::milliseconds(listener_.config().write_timeout_ms));
  asio::async_write(socket_, asio::buffer(reply_) + reply_sent_,
                    [self = shared_from_this()](const ErrorCode& failure, std::size_t) { self->on_written(failure); });
}

void Connection::on_written(const ErrorCode& failure) {
  if (phase_ != Phase::writing) return;
  if (!recorded_) record("request_completed");
  idle_since_ = Clock::now();
  if (failure) {
    close();
  } else if (!keep_alive_) {
    linger();
  } else if (unread_bytes_ > 0) {
    phase_ = Phase::skipping;
    receive_body();
  } else {
    await_request();
  }
}

void Connection::record(const char* event) {
  const Request& request = call_ ? call_->request() : request_;
  const double seconds = request.received == Clock::time_point{}
                             ? 0
                             : std::chrono::duration<double>(Clock::now() - request.received).count();
  const std::string endpoint = listener_.router().label(request.path);
  listener_.metrics().request(endpoint, request.method, status_, seconds, received_bytes_, sent_bytes_);
  recorded_ = true;
  if (!problem_.empty()) listener_.metrics().problem(problem_);
  const Level level = status_ >= 500 ? Level::warning : Level::info;
  if (!listener_.log().enabled(level)) return;
  Log::Fields fields{{"request_id", request.request_id},
                     {"trace_id", traceparent_.substr(3, 32)},
                     {"method", request.method},
                     {"endpoint", endpoint},
                     {"status", status_},
                     {"duration_ms", std::round(seconds * 1e6) / 1e3},
                     {"received_bytes", received_bytes_},
                     {"sent_bytes", sent_bytes_}};
  if (!problem_.empty()) fields["problem"] = problem_;
  listener_.log().event(level, event, fields);
}

}  // namespace catdog::service
