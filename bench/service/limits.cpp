// SPDX-License-Identifier: Apache-2.0
// More than it can do: overload, slow clients, memory.
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <thread>

#include "load.hpp"
#include "modes.hpp"
#include "server.hpp"
#include "support/open_files.hpp"

namespace catdog::bench {

namespace {

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::size_t within(const std::vector<double>& values, double limit) {
  return static_cast<std::size_t>(
      std::count_if(values.begin(), values.end(), [limit](double value) { return value <= limit; }));
}

const std::vector<double>& of_status(const Outcome& outcome, int status) {
  static const std::vector<double> none;
  const auto found = outcome.latencies.find(status);
  return found == outcome.latencies.end() ? none : found->second;
}

// This thread, and what it starts, on the n-th of the cores that it may use, for as long as it lives.
class Pinned {
 public:
  explicit Pinned(int n) {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &before_) && n-- == 0) CPU_SET(core, &one);
    }
    if (sched_setaffinity(0, sizeof one, &one) != 0) throw std::runtime_error("too few cores");
  }
  ~Pinned() { sched_setaffinity(0, sizeof before_, &before_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_{};
};

// Asks /health/live ten times a second for as long as it lives.
class Prober {
 public:
  explicit Prober(std::uint16_t port)
      : thread_([this, port] {
          while (!stop_) {
            ++asked_;
            if (get_status(port, "/health/live") == 200) ++answered_;
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
          }
        }) {}
  ~Prober() { finish(); }
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  bool finish() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return asked_ == answered_;
  }

 private:
  std::atomic<bool> stop_{false};
  std::size_t asked_ = 0;
  std::size_t answered_ = 0;
  std::thread thread_;
};

// What floods of five times the capacity came to, each next to the peak before it.
struct Overload {
  std::vector<double> goodput;  // Answered in time a second / peak.
  std::vector<double> refusals;
  std::size_t accepted = 0;
  std::size_t by_client = 0;
  std::size_t by_server = 0;
  std::size_t other = 0;
  std::size_t skipped = 0;
  std::size_t sent = 0;
  bool live = true;
  double grown_mb = 0;
};

constexpr double excess = 5;

Overload flood(const Server& server, const Settings& settings, int workers, const std::vector<std::string>& requests,
               int deadline_ms) {
  Overload sum;
  Plan peak;
  peak.port = server.port();
  peak.requests = &requests;
  peak.connections = 2 * workers + 2;
  peak.seconds = settings.seconds;
  run(peak);  // Until it knows its pace and its memory is warm.
  const long before = server.resident_kib();
  Prober prober(server.port());
  for (int i = 0; i < settings.repetitions; ++i) {
    const double capacity = run(peak).rate(200);
    Plan plan = peak;
    plan.connections = 256;
    plan.rate = excess * capacity;
    const Outcome outcome = run(plan);
    const std::vector<double>& fine = of_status(outcome, 200);
    const std::vector<double>& no = of_status(outcome, 503);
    const std::size_t in_time = within(outcome.server_totals, deadline_ms);
    sum.goodput.push_back(static_cast<double>(in_time) / outcome.seconds / capacity);
    sum.refusals.insert(sum.refusals.end(), no.begin(), no.end());
    sum.accepted += fine.size();
    sum.by_client += within(fine, deadline_ms);
    sum.by_server += in_time;
    sum.other += outcome.sent - fine.size() - no.size() + outcome.without_retry_after;
    sum.skipped += outcome.skipped;
    sum.sent += outcome.sent;
  }
  sum.live = prober.finish();
  sum.grown_mb = static_cast<double>(server.resident_kib() - before) / 1024;
  return sum;
}

bool print(const Overload& sum, int deadline_ms) {
  std::printf("  sent %zu (and %zu that no connection was free for), classified %zu, refused %zu, anything else %zu\n",
              sum.sent, sum.skipped, sum.accepted, sum.refusals.size(), sum.other);
  std::printf("  goodput / peak:                 %s\n", spread(sum.goodput).c_str());
  std::printf("  classified within %d ms:       %.4f by the server's clock, %.4f by the client's\n", deadline_ms,
              share(sum.by_server, sum.accepted), share(sum.by_client, sum.accepted));
  std::printf("  refused within 5 ms:            %.4f (p50 %.2f ms, p99 %.2f ms)\n",
              share(within(sum.refusals, 5), sum.refusals.size()), quantile(sum.refusals, 0.5),
              quantile(sum.refusals, 0.99));
  std::printf("  memory: %+.1f MB; /health/live %s\n", sum.grown_mb,
              sum.live ? "answered all the time" : "NOT ALWAYS ANSWERED");
  return sum.other == 0 && sum.live;
}

// Sending five times as much costs as much again as refusing it. Clients are elsewhere in real life: so the second
// figures are of a server with one worker on one core, and the generator on another.
bool overload_with(const Settings& settings, const char* what, const std::vector<std::string>& images,
                   int deadline_ms) {
  std::vector<std::string> requests;
  requests.reserve(images.size());
  for (const std::string& image : images) requests.push_back(make_request(image, settings.form, deadline_ms));
  bool sound = true;
  {
    std::printf("overload with %s, %.0f times the capacity, generator on the same cores:\n", what, excess);
    const Server server(settings.model, {"--workers", std::to_string(settings.workers)});
    sound = print(flood(server, settings, settings.workers, requests, deadline_ms), deadline_ms);
  }
  if (std::thread::hardware_concurrency() < 2) return sound;
  std::printf("the same, one worker, generator on a core of its own:\n");
  std::optional<Server> server;
  {
    const Pinned first(0);
    server.emplace(settings.model, std::vector<std::string>{"--workers", "1"});
  }
  const Pinned second(1);
  return print(flood(*server, settings, 1, requests, deadline_ms), deadline_ms) && sound;
}

// Connections that send a byte of a header or a body now and then.
class SlowClients {
 public:
  SlowClients(std::uint16_t port, int count) {
    for (int i = 0; i < count; ++i) {
      sockets_.push_back(connect_to(port));
      const std::string start =
          i % 2 == 0 ? "POST /pre" : "POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: 90000\r\n\r\nx";
      send(sockets_.back(), start.data(), start.size(), MSG_NOSIGNAL);
    }
    thread_ = std::thread([this] {
      while (!stop_) {
        for (const int socket : sockets_) send(socket, "x", 1, MSG_NOSIGNAL);
        std::this_thread::sleep_for(std::chrono::milliseconds(250));
      }
    });
  }
  ~SlowClients() {
    stop_ = true;
    thread_.join();
    for (const int socket : sockets_) ::close(socket);
  }
  SlowClients(const SlowClients&) = delete;
  SlowClients& operator=(const SlowClients&) = delete;

 private:
  std::vector<int> sockets_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

bool overload(const Settings& settings) {
  std::vector<std::string> photos;
  for (const Image& image : settings.images) photos.push_back(image.bytes);
  const bool with_photos = overload_with(settings, "the images", photos, 200);
  const bool with_costly = overload_with(settings, "4-megapixel PNGs of a few KB", {costly_image()}, 400);
  return with_photos && with_costly;
}

bool slow_clients(const Settings& settings) {
  constexpr int count = 500;
  test_support::allow_many_open_files();
  const std::vector<std::string> requests = make_requests(settings);
  const Server server(settings.model, {"--workers", std::to_string(settings.workers)});
  Plan plan;
  plan.port = server.port();
  plan.requests = &requests;
  plan.connections = 1;  // A healthy client asks one thing after another; the queue's own wait isn't the question.
  plan.seconds = settings.seconds;
  run(plan);
  std::vector<double> ratios;
  std::vector<double> medians;
  std::size_t unanswered = 0;
  for (int i = 0; i < settings.repetitions; ++i) {
    const Outcome without = run(plan);
    const SlowClients slow(server.port(), count);
    const Outcome with = run(plan);
    ratios.push_back(quantile(of_status(with, 200), 0.99) / quantile(of_status(without, 200), 0.99));
    medians.push_back(quantile(of_status(with, 200), 0.5) / quantile(of_status(without, 200), 0.5));
    unanswered += with.sent - with.answered(200) + without.sent - without.answered(200);
  }
  std::printf("%d slow clients: latency of a healthy one with / without them: p99 %s, p50 %s; %zu unanswered\n", count,
              spread(ratios).c_str(), spread(medians).c_str(), unanswered);
  return unanswered == 0;
}

bool memory(const Settings& settings) {
  constexpr std::size_t warm_up = 3000;
  constexpr std::size_t count = 20000;
  std::vector<std::string> requests;
  for (const std::string& body : mixed_bodies(settings.images)) requests.push_back(make_request(body, settings.form));
  const Server server(settings.model, {"--workers", std::to_string(settings.workers)});
  Plan plan;
  plan.port = server.port();
  plan.requests = &requests;
  plan.connections = 8;
  plan.seconds = 600;
  plan.count = warm_up;
  run(plan);
  const long before = server.resident_kib();
  plan.count = count;
  const Outcome outcome = run(plan);
  const long after = server.resident_kib();
  std::size_t failed = outcome.lost;
  std::printf("memory: %zu images of %zu kinds:", outcome.sent, requests.size());
  for (const auto& [status, latencies] : outcome.latencies) {
    std::printf(" %zu x %d", latencies.size(), status);
    if (status >= 500) failed += latencies.size();
  }
  std::printf("; after %zu to warm up %.1f MB, then %+.1f MB\n", warm_up, static_cast<double>(before) / 1024,
              static_cast<double>(after - before) / 1024);
  return failed == 0;
}

}  // namespace catdog::bench
