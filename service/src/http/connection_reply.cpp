// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/dispatch.hpp>

#include "http/connection.hpp"
#include "http/trace.hpp"

namespace catdog::service {

void Connection::dispatch() {
  received_bytes_ = request_.body.size();
  if (route_ == nullptr) {
    listener_.metrics().in_flight.Increment();
    phase_ = Phase::working;
    on_reply(answer_options());
    return;
  }
  request_.deadline = Clock::now() + timeout_;
  phase_ = Phase::working;
  listener_.metrics().in_flight.Increment();
  const auto executor = socket_.get_executor();
  call_ = std::make_shared<Call>(std::move(request_), [self = shared_from_this(), executor](Response response) {
    if (self->send_from_worker(response)) return;
    asio::dispatch(executor, [self, response = std::move(response)]() mutable { self->on_reply(std::move(response)); });
  });
  const CallPtr call = call_;  // The answer may come before dispatch returns.
  listener_.router().dispatch(*route_, call);
  if (phase_ != Phase::working || call_ != call) return;
  await_answer();
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
  reclaim();
  listener_.metrics().in_flight.Decrement();
  write(std::move(response));
}

void Connection::refuse(const Problem& problem) {
  if (request_.request_id.empty()) request_.request_id = make_request_id();
  keep_alive_ = !end_unknown_ && parser_->get().keep_alive();
  write(Router::refusal(problem, request_));
}

}  // namespace catdog::service
