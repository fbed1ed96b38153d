// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cmath>

#include "formats/problem.hpp"
#include "trace.hpp"

namespace catdog::service {

namespace {

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
constexpr auto linger_time = std::chrono::seconds(2);
constexpr std::uint64_t most_lingered = std::uint64_t{64} << 20U;
// A request's that is skipped where the route takes none, and a response's that is part of a connection's cost.
constexpr std::uint64_t small_body = std::uint64_t{64} << 10U;
constexpr std::size_t least_read = 1024;
constexpr std::size_t most_read = std::size_t{64} << 10U;  // Reads this large cost less than half of Beast's default.
constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

std::chrono::milliseconds ms(int count) { return std::chrono::milliseconds(count); }

Problem too_large(std::uint64_t limit) {
  return {413, "too-large", "The body is larger than " + std::to_string(limit) + " bytes."};
}

// Counts a request that was read whole until it is answered.
struct InFlight {
  explicit InFlight(prometheus::Gauge& gauge) : gauge_(gauge) { gauge_.Increment(); }
  ~InFlight() { gauge_.Decrement(); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  prometheus::Gauge& gauge_;
};

// The client has closed the connection: nobody reads an answer.
struct ClientLeft {};

// Of the exception that is being handled.
Response render_failure(const Request& request, Log& log) {
  const std::exception_ptr failure = std::current_exception();
  const Problem problem = problem_of(failure);
  if (problem.status() == 500) {
    log.event(Level::error, "request_failed", {{"request_id", request.request_id}, {"reason", reason_of(failure)}});
  }
  return render_problem(problem, request);
}

// Never throws: a race with client_leaves() would go on without it.
asio::awaitable<Response> respond(const Route& route, RequestPtr request, Log& log) {
  try {
    if (!route.waiting) co_return route.handler(*request);
    Response response = co_await route.waiting(request);
    co_return response;
  } catch (const GivenUp&) {  // Nobody reads it.
    co_return Response{};
  } catch (...) {
    co_return render_failure(*request, log);
  }
}

}  // namespace

// One request on its way through the session.
struct Session::Exchange {
  explicit Exchange(const Config& config) {
    parser.header_limit(config.max_header_bytes);
    parser.body_limit(config.max_body_bytes);
    request->received = Clock::now();
  }

  bool takes_body() const { return match.route != nullptr && match.route->max_body > 0; }

  Parser parser;
  RequestPtr request = std::make_shared<Request>();
  Match match;
  std::chrono::milliseconds timeout{};
  std::size_t body_bytes = 0;
  bool lost_count = true;  // Where the next request begins isn't known.
};

Session::Session(tcp::socket socket, Port& port)
    : port_(port), config_(port.service.config), socket_(std::move(socket)), timer_(socket_.get_executor()) {
  port_.sessions.insert(this);
  port_.service.metrics.connections_accepted.Increment();
  port_.service.metrics.connections_open.Increment();
}

Session::~Session() {
  port_.sessions.erase(this);
  port_.service.metrics.connections_open.Decrement();
}

asio::awaitable<void> Session::run() {
  ErrorCode ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  bool open = true;
  while (open && co_await request_begins()) open = co_await serve_request();
  close();
}

// False when the connection ends instead. While it is idle it holds no buffer.
asio::awaitable<bool> Session::request_begins() {
  if (buffer_.size() > 0) co_return true;  // Pipelined.
  if (port_.closing_idle) co_return false;
  buffer_.shrink_to_fit();
  allow_until(Clock::now() + ms(config_.idle_timeout_ms));
  idle_ = true;
  const auto [failure] = co_await socket_.async_wait(tcp::socket::wait_read, use_tuple);
  idle_ = false;
  co_return !failure;
}

// True when the connection is good for another request.
asio::awaitable<bool> Session::serve_request() {
  Exchange x(config_);
  allow_until(x.request->received + ms(config_.read_timeout_ms));
  Response response;
  try {
    co_await read_head_of(x);
    if (const std::optional<Problem> refusal = route(x)) {
      response = render_problem(*refusal, *x.request);
    } else {
      co_await read_body(x);
      response = co_await answer(x);
    }
  } catch (const ClientLeft&) {
    co_return false;
  } catch (...) {
    response = render_failure(*x.request, port_.service.log);
  }

  const bool kept = co_await send(x, std::move(response));
  if (!kept) {
    co_await linger();
    co_return false;
  }
  const bool at_next = co_await skip_rest(x);
  co_return at_next;
}

asio::awaitable<void> Session::read_head_of(Exchange& x) {
  ErrorCode failure;
  buffer_.reserve(std::clamp(socket_.available(failure), least_read, most_read));
  co_await http::async_read_header(socket_, buffer_, x.parser, asio::redirect_error(asio::use_awaitable, failure));
  x.request->request_id = make_request_id();
  x.request->traceparent = continue_trace({});
  // Beast reports a Content-Length over the limit once it has the whole head, which says where the error goes.
  if (x.parser.is_header_done() || failure == http::error::body_limit) read_head(x.parser.get(), *x.request);
  if (failure) fail_reading(x, failure);
  x.lost_count = false;
}

// Which handler the request is for, and whether it is let in: decided here, once, before its body takes time and
// memory. Returns a refusal for overload, throws all others.
std::optional<Problem> Session::route(Exchange& x) {
  Request& request = *x.request;
  port_.router.find(request.method, request.path, x.match);
  request.captures = std::move(x.match.captures);
  const Route& route = *x.match.route;
  check_head(x.parser.get(), x.takes_body());
  x.timeout = wanted_timeout(request, port_.request_timeout);
  request.deadline = Clock::now() + x.timeout;
  if (x.takes_body()) {
    if (x.parser.content_length().value_or(0) > route.max_body) throw too_large(route.max_body);
    x.parser.body_limit(route.max_body);
  }
  return route.admission ? route.admission(request) : std::nullopt;
}

asio::awaitable<void> Session::read_body(Exchange& x) {
  if (!x.takes_body()) co_return;
  ChargedBody::value_type& body = x.parser.get().body();
  body.keep = true;
  body.memory = MemoryBudget::Share(port_.service.bodies);
  if (expects_continue(x.parser.get()) && buffer_.size() == 0) {
    const auto [failure, sent] = co_await asio::async_write(socket_, asio::buffer(continue_response), use_tuple);
    if (failure) fail_reading(x, failure);
  }
  while (!x.parser.is_done()) {
    const ErrorCode failure = co_await read_some(x.parser);
    if (failure) fail_reading(x, failure);
    if (body.refused) {
      port_.service.metrics.reject("body_memory");
      throw out_of_budget();
    }
  }
  x.request->deadline = Clock::now() + x.timeout;
  x.request->body = std::move(body.bytes);
  x.request->memory = std::move(body.memory);
  x.body_bytes = x.request->body.size();
}

// The parser gets what is buffered, else what the socket has. How much that is decides about the size of the buffer: a
// fast upload gets a large one, a slow client holds a small one.
asio::awaitable<Session::ErrorCode> Session::read_some(Parser& parser) {
  ErrorCode failure;
  if (out_of_time_) co_return asio::error::timed_out;
  parser.eager(true);
  if (buffer_.size() > 0) {
    buffer_.consume(parser.put(buffer_.data(), failure));
    if (failure != http::error::need_more) co_return failure;
  }
  buffer_.reserve(std::clamp(socket_.available(failure), least_read, most_read));
  co_await http::async_read_some(socket_, buffer_, parser, asio::redirect_error(asio::use_awaitable, failure));
  co_return failure;
}

void Session::fail_reading(Exchange& x, const ErrorCode& failure) {
  x.lost_count = true;
  if (out_of_time_) throw Problem(408, "too-slow", "The request took too long to arrive.");
  if (failure == http::error::header_limit) {
    throw Problem(431, "header-too-large",
                  "The header is larger than " + std::to_string(config_.max_header_bytes) + " bytes.");
  }
  if (failure == http::error::body_limit) {
    throw too_large(x.takes_body() ? x.match.route->max_body : config_.max_body_bytes);
  }
  const bool unsound = failure.category() == http::make_error_code(http::error::bad_method).category();
  if (unsound && failure != http::error::end_of_stream && failure != http::error::partial_message) {
    throw Problem(400, "malformed", "Not a sound HTTP/1.1 request: " + failure.message() + ".");
  }
  throw ClientLeft();
}

// A client that leaves meanwhile gets no answer, and its image no inference.
asio::awaitable<Response> Session::answer(Exchange& x) {
  using namespace asio::experimental::awaitable_operators;
  Metrics& metrics = port_.service.metrics;
  const InFlight in_flight(metrics.in_flight);
  const Route& route = *x.match.route;
  allow_until(Clock::time_point::max());  // The request has a deadline of its own.
  Log& log = port_.service.log;
  if (!route.waiting || buffer_.size() > 0) {
    Response response = co_await respond(route, x.request, log);
    co_return response;
  }
  auto first = co_await (respond(route, x.request, log) || client_leaves());
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  Response none;
  none.status = 499;
  metrics.abandoned.Increment();
  record(x, "request_abandoned", none);
  throw ClientLeft();
}

// Ends when the client has closed its side, or when it is cancelled because the answer is there.
asio::awaitable<void> Session::client_leaves() {
  const auto [cancelled] = co_await socket_.async_wait(tcp::socket::wait_read, use_tuple);
  ErrorCode failure;
  if (cancelled || socket_.available(failure) == 0) co_return;
  asio::steady_timer never(socket_.get_executor(), Clock::time_point::max());  // The client has sent its next request.
  co_await never.async_wait(use_tuple);
}

// True when the connection may be kept.
asio::awaitable<bool> Session::send(Exchange& x, Response response) {
  MemoryBudget::Share memory(port_.service.bodies);
  if (response.body.size() > small_body && !memory.grow(response.body.size())) {
    response = render_problem(out_of_budget(), *x.request);
  }
  const bool keep = !x.lost_count && !port_.service.draining && x.parser.keep_alive() && can_skip_rest(x);
  const ResponseMessage message = make_message(response, *x.request, x.parser.get().version(), keep);
  record(x, "request_completed", response);  // Before it is sent: who has an answer finds it counted.
  x.request.reset();                         // A client that reads slowly holds no body.
  x.parser.get().body().drop();
  allow_until(Clock::now() + ms(config_.write_timeout_ms));
  const auto [failure, sent] = co_await http::async_write(socket_, message, use_tuple);
  co_return keep && !failure;
}

// Of a body that was refused or that the route doesn't take. A client that waits for its 100 may send it or not, and
// the end of a chunked one may never come.
bool Session::can_skip_rest(const Exchange& x) const {
  if (x.parser.is_done()) return true;
  const auto length = x.parser.content_length_remaining();
  if (!length || expects_continue(x.parser.get())) return false;
  return *length <= std::max(small_body, x.match.route != nullptr ? x.match.route->max_body : 0);
}

asio::awaitable<bool> Session::skip_rest(Exchange& x) {
  allow_until(Clock::now() + ms(config_.read_timeout_ms));
  ErrorCode failure;
  while (!failure && !x.parser.is_done()) failure = co_await read_some(x.parser);
  co_return !failure;
}

// Closing at once with unread data would reset the connection and lose the answer: the rest is read and dropped first.
asio::awaitable<void> Session::linger() {
  ErrorCode failure;
  socket_.shutdown(tcp::socket::shutdown_send, failure);
  if (failure) co_return;
  buffer_.consume(buffer_.size());
  allow_until(Clock::now() + linger_time);
  for (std::uint64_t dropped = 0; dropped < most_lingered && !out_of_time_;) {
    const auto [end, got] = co_await socket_.async_read_some(buffer_.prepare(most_read), use_tuple);
    if (end) co_return;
    dropped += got;
  }
}

void Session::record(const Exchange& x, const char* event, const Response& response) {
  const Request& request = *x.request;
  const double seconds = std::chrono::duration<double>(Clock::now() - request.received).count();
  const std::string endpoint(x.match.endpoint);
  const std::size_t sent = response.content().size();
  port_.service.metrics.request(endpoint, request.method, response.status, seconds, x.body_bytes, sent);
  if (!response.problem.empty()) port_.service.metrics.problem(response.problem);
  const bool probe = x.match.route != nullptr && x.match.route->probe;
  Level level = response.status >= 500 ? Level::warning : Level::info;
  if (probe) level = Level::debug;
  Log& log = port_.service.log;
  if (!log.enabled(level)) return;
  Log::Fields fields{{"request_id", request.request_id}, {"trace_id", request.traceparent.substr(3, 32)},
                     {"method", request.method},         {"endpoint", endpoint},
                     {"status", response.status},        {"duration_ms", std::round(seconds * 1e6) / 1e3},
                     {"received_bytes", x.body_bytes},   {"sent_bytes", sent}};
  if (!response.problem.empty()) fields["problem"] = response.problem;
  if (response.status == 404 && log.enabled(Level::debug)) fields["path"] = request.path;
  log.event(level, event, fields);
}

// Mostly a later time than the last: the timer then runs on, and looks again when it wakes up.
void Session::allow_until(Clock::time_point end) {
  end_ = end;
  out_of_time_ = false;
  if (!timer_runs_ || timer_.expiry() > end) watch_time(end);
}

void Session::watch_time(Clock::time_point wake_up) {
  timer_runs_ = true;
  timer_.expires_at(wake_up);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
    if (cancelled) return;
    const Clock::time_point now = Clock::now();
    if (now < self->end_) {
      self->watch_time(self->end_);
      return;
    }
    self->out_of_time_ = true;
    ErrorCode ignored;
    self->socket_.cancel(ignored);
    self->watch_time(now + std::chrono::seconds(1));  // Should an operation have begun just now.
  });
}

void Session::close_if_idle() {
  if (idle_) close();
}

void Session::close() {
  ErrorCode ignored;
  socket_.close(ignored);
  timer_.cancel();
}

}  // namespace catdog::service
