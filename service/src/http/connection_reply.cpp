// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <boost/asio/dispatch.hpp>
#include <cmath>

#include "http/connection.hpp"
#include "http/trace.hpp"

namespace catdog::service {

namespace {

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

void Connection::dispatch() {
  received_bytes_ = request_.body.size();
  if (route_ == nullptr) {
    listener_.metrics().in_flight.Increment();
    phase_ = Phase::working;
    on_reply(answer_options());
    return;
  }
  std::chrono::milliseconds timeout{};
  try {
    timeout = wanted_timeout(request_, listener_.request_timeout());
  } catch (const Problem& problem) {
    refuse(problem);
    return;
  }
  request_.deadline = Clock::now() + timeout;
  phase_ = Phase::working;
  listener_.metrics().in_flight.Increment();
  const auto executor = socket_.get_executor();
  call_ = std::make_shared<Call>(std::move(request_), [self = shared_from_this(), executor](Response response) {
    asio::dispatch(executor, [self, response = std::move(response)]() mutable { self->on_reply(std::move(response)); });
  });
  const CallPtr call = call_;  // The answer may come before dispatch returns.
  listener_.router().dispatch(*route_, call);
  if (phase_ != Phase::working || call_ != call) return;
  arm(timeout);
  watch_client();
}

// A client that closes its side while it waits gets no answer, and its picture no inference.
void Connection::watch_client() {
  if (buffer_.size() > 0) return;  // Pipelined: what comes next is a request, not an end.
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const ErrorCode& failure) {
    if (failure || self->phase_ != Phase::working) return;
    char byte = 0;
    const auto got = recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))) return;
    self->listener_.metrics().abandoned.Increment();
    self->status_ = 499;
    self->record("request_abandoned");
    self->close();
  });
}

Response Connection::answer_options() {
  Response response;
  const std::string allow =
      request_.path == "*" ? "GET, HEAD, POST, OPTIONS" : listener_.router().allowed(request_.path);
  if (allow.empty()) {
    return Router::refusal(Problem(404, "not-found", "There is nothing at this path; GET /docs lists what there is."),
                           request_);
  }
  response.status = 204;
  response.content_type.clear();
  response.headers.push_back({"Allow", allow});
  if (!listener_.config().cors_origin.empty() && !request_.header("Access-Control-Request-Method").empty()) {
    response.headers.push_back({"Access-Control-Allow-Methods", allow});
    response.headers.push_back(
        {"Access-Control-Allow-Headers", "Content-Type, X-Request-Id, X-Request-Timeout-Ms, traceparent"});
    response.headers.push_back({"Access-Control-Max-Age", "3600"});
  }
  return response;
}

void Connection::add_cors(Response& response) const {
  const std::string& allowed = listener_.config().cors_origin;
  const Request& request = call_ ? call_->request() : request_;
  const std::string_view origin = request.header("Origin");
  if (allowed.empty()) return;
  response.headers.push_back({"Vary", "Origin"});
  if (origin.empty() || (allowed != "*" && origin != allowed)) return;
  response.headers.push_back({"Access-Control-Allow-Origin", allowed});
  response.headers.push_back({"Access-Control-Expose-Headers", "X-Request-Id, Server-Timing, Retry-After"});
}

void Connection::on_reply(Response response) {
  if (phase_ != Phase::working) return;
  listener_.metrics().in_flight.Decrement();
  ErrorCode ignored;
  socket_.cancel(ignored);  // Of watch_client.
  write(std::move(response));
}

void Connection::refuse(const Problem& problem) {
  if (request_.request_id.empty()) request_.request_id = make_request_id();
  keep_alive_ = !body_unread_ && parser_->get().keep_alive();
  write(Router::refusal(problem, request_));
}

void Connection::write(Response response) {
  phase_ = Phase::writing;
  release_body();
  const Request& request = call_ ? call_->request() : request_;
  if (traceparent_.empty()) traceparent_ = continue_trace({});
  if (listener_.draining()) keep_alive_ = false;
  status_ = response.status;
  problem_ = response.problem;
  sent_bytes_ = response.body.size();
  add_cors(response);
  http::response_header<> head = make_head(response, request, traceparent_);
  arm(std::chrono::milliseconds(listener_.config().write_timeout_ms));
  const auto finish_head = [&](auto& message) {
    message.keep_alive(keep_alive_);
    if (response.status != 204) message.content_length(sent_bytes_);
  };
  if (request.method == "HEAD" || response.status == 204) {
    auto message = std::make_shared<http::response<http::empty_body>>(std::move(head));
    finish_head(*message);
    write_message(std::move(message));
  } else {
    auto message = std::make_shared<http::response<http::string_body>>(std::move(head), std::move(response.body));
    finish_head(*message);
    write_message(std::move(message));
  }
}

template <typename Message>
void Connection::write_message(std::shared_ptr<Message> message) {
  Message& written = *message;
  http::async_write(socket_, written, [self = shared_from_this(), message](const ErrorCode& failure, std::size_t) {
    self->on_written(failure);
  });
}

void Connection::on_written(const ErrorCode& failure) {
  if (phase_ != Phase::writing) return;
  record("request_completed");
  if (failure) {
    close();
  } else if (keep_alive_) {
    await_request();
  } else {
    linger();
  }
}

void Connection::record(const char* event) {
  const Request& request = call_ ? call_->request() : request_;
  const double seconds = request.received == Clock::time_point{}
                             ? 0
                             : std::chrono::duration<double>(Clock::now() - request.received).count();
  const std::string endpoint = listener_.router().label(request.path);
  listener_.metrics().request(endpoint, request.method, status_, seconds, received_bytes_, sent_bytes_);
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
