// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace catdog::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr double timeout_seconds = 30;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The value after `name` (lower case, with its colon) in a reply's header; "" when it isn't there.
std::string_view field(std::string_view header, std::string_view name) {
  for (std::size_t line = header.find("\r\n"); line != std::string_view::npos; line = header.find("\r\n", line + 2)) {
    const std::string_view rest = header.substr(line + 2);
    if (rest.size() < name.size()) break;
    const auto same = [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); };
    if (!std::equal(name.begin(), name.end(), rest.begin(), same)) continue;
    const std::string_view value = rest.substr(name.size(), rest.find("\r\n") - name.size());
    return value.substr(std::min(value.find_first_not_of(' '), value.size()));
  }
  return {};
}

struct Connection {
  int socket = -1;
  bool busy = false;
  bool answered = false;  // Before all of the request was sent: the rest follows, as the server drops it.
  std::size_t index = 0;  // Of the request under way.
  std::size_t written = 0;
  std::string buffer;
  Clock::time_point start;
};

class Generator {
 public:
  explicit Generator(const Plan& plan) : plan_(plan), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    connections_.resize(static_cast<std::size_t>(plan.connections));
    for (Connection& connection : connections_) {
      open(connection);
      std::this_thread::sleep_for(std::chrono::duration<double>(plan.connect_pause));
    }
  }
  ~Generator() {
    for (const Connection& connection : connections_) ::close(connection.socket);
    ::close(poll_);
  }
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  Outcome run() {
    const double cpu = thread_cpu_seconds();
    start_ = Clock::now();
    Clock::time_point last = start_;
    std::vector<epoll_event> events(256);
    while (true) {
      start_what_is_due();
      if (busy_ == 0 && over()) break;
      if (seconds_since(last) > timeout_seconds) break;
      const int timeout = plan_.rate > 0 && !over() ? 1 : 100;
      const int ready = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), timeout);
      for (int i = 0; i < ready; ++i) {
        Connection& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (connection.busy && connection.written < request(connection).size()) write(connection);
        read(connection);
        finish(connection);
        last = Clock::now();
      }
    }
    outcome_.lost += busy_;
    outcome_.seconds = std::chrono::duration<double>(last - start_).count();
    outcome_.generator_seconds = thread_cpu_seconds() - cpu;
    return std::move(outcome_);
  }

 private:
  const std::string& request(const Connection& connection) const { return (*plan_.requests)[connection.index]; }

  bool over() const {
    return (plan_.count > 0 && outcome_.sent + outcome_.skipped >= plan_.count) ||
           seconds_since(start_) > plan_.seconds;
  }

  void open(Connection& connection) {
    const auto number = static_cast<std::size_t>(&connection - connections_.data()) % (plan_.more_ports.size() + 1);
    connection.socket = connect_to(number == 0 ? plan_.port : plan_.more_ports[number - 1]);
    fcntl(connection.socket, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = &connection;
    epoll_ctl(poll_, EPOLL_CTL_ADD, connection.socket, &event);
  }

  void start_what_is_due() {
    if (plan_.rate <= 0) {
      for (Connection& connection : connections_) {
        if (!connection.busy && !over()) send(connection);
      }
      return;
    }
    auto due = static_cast<std::size_t>(std::min(seconds_since(start_), plan_.seconds) * plan_.rate);
    if (plan_.count > 0) due = std::min(due, plan_.count);
    for (; outcome_.sent + outcome_.skipped < due && !over(); next_ = (next_ + 1) % connections_.size()) {
      std::size_t tried = 0;
      while (connections_[next_].busy && ++tried < connections_.size()) next_ = (next_ + 1) % connections_.size();
      if (connections_[next_].busy) {
        ++outcome_.skipped;
      } else {
        send(connections_[next_]);
      }
    }
  }

  void send(Connection& connection) {
    connection.index = outcome_.sent++ % plan_.requests->size();
    connection.written = 0;
    connection.busy = true;
    connection.answered = false;
    connection.start = Clock::now();
    ++busy_;
    write(connection);
  }

  void write(Connection& connection) {
    const std::string& text = request(connection);
    while (connection.written < text.size()) {
      const ssize_t sent =
          ::send(connection.socket, text.data() + connection.written, text.size() - connection.written, MSG_NOSIGNAL);
      if (sent <= 0) return;
      connection.written += static_cast<std::size_t>(sent);
    }
  }

  void read(Connection& connection) {
    char block[16384];
    while (true) {
      const ssize_t got = recv(connection.socket, block, sizeof block, 0);
      if (got < 0) break;
      if (got == 0) return reopen(connection);
      connection.buffer.append(block, static_cast<std::size_t>(got));
    }
    const std::size_t end = connection.buffer.find("\r\n\r\n");
    if (end == std::string::npos || !connection.busy || connection.answered) return;
    const std::string_view header = std::string_view(connection.buffer).substr(0, end + 2);
    const std::string_view length = field(header, "content-length:");
    const std::size_t size = length.empty() ? 0 : std::stoul(std::string(length));
    if (connection.buffer.size() < end + 4 + size) return;
    note(connection, header, std::string_view(connection.buffer).substr(end + 4, size));
    const bool closes = field(header, "connection:") == "close";
    connection.buffer.clear();
    connection.answered = true;
    if (!closes) return;
    connection.busy = false;
    --busy_;
    reopen(connection);
  }

  void finish(Connection& connection) {
    if (!connection.busy || !connection.answered || connection.written < request(connection).size()) return;
    connection.busy = false;
    --busy_;
    if (plan_.rate <= 0 && !over()) send(connection);
  }

  void note(const Connection& connection, std::string_view header, std::string_view body) {
    const int status = std::stoi(std::string(header.substr(9, 3)));
    outcome_.latencies[status].push_back(1e3 * seconds_since(connection.start));
    if (status == 503 && field(header, "retry-after:").empty()) ++outcome_.without_retry_after;
    if (status != 200) return;
    const std::string_view timing = field(header, "server-timing:");
    const std::size_t total = timing.find("total;dur=");
    if (total != std::string_view::npos)
      outcome_.server_totals.push_back(std::stod(std::string(timing.substr(total + 10))));
    if (outcome_.labels.count(connection.index) > 0) return;
    const std::string_view name = "\"predicted_label\":\"";
    const std::size_t label = body.find(name);
    if (label == std::string_view::npos) return;
    const std::string_view rest = body.substr(label + name.size());
    outcome_.labels[connection.index] = rest.substr(0, rest.find('"'));
  }

  void reopen(Connection& connection) {
    if (connection.busy) {
      ++outcome_.lost;
      --busy_;
    }
    ::close(connection.socket);
    connection = {};
    open(connection);
  }

  const Plan& plan_;
  const int poll_;
  std::vector<Connection> connections_;
  std::size_t next_ = 0;
  std::size_t busy_ = 0;
  Clock::time_point start_;
  Outcome outcome_;
};

}  // namespace

std::size_t Outcome::answered(int status) const {
  const auto found = latencies.find(status);
  return found == latencies.end() ? 0 : found->second.size();
}

Outcome run(const Plan& plan) { return Generator(plan).run(); }

std::string make_request(const std::string& image, bool form, int deadline_ms) {
  std::string body = image;
  std::string type = "application/octet-stream";
  if (form) {
    body = "--XxYyZz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"pet\"\r\nContent-Type: " + type +
           "\r\n\r\n" + image + "\r\n--XxYyZz--\r\n";
    type = "multipart/form-data; boundary=XxYyZz";
  }
  std::string header = "POST /predict HTTP/1.1\r\nHost: bench\r\nContent-Type: " + type + "\r\n";
  if (deadline_ms > 0) header += "X-Request-Timeout-Ms: " + std::to_string(deadline_ms) + "\r\n";
  return header + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket);
    throw std::runtime_error("nothing listens on port " + std::to_string(port) + " of 127.0.0.1");
  }
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::ptrdiff_t>(std::lround(q * static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

}  // namespace catdog::bench
