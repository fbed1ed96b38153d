// SPDX-License-Identifier: Apache-2.0
// More than it can do: overload, slow clients, memory.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
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

bool overload_with(const Settings& settings, const char* what, const std::vector<std::string>& pictures,
                   int deadline_ms) {
  constexpr double excess = 5;
  std::vector<std::string> requests;
  for (const std::string& picture : pictures) requests.push_back(make_request(picture, settings.form, deadline_ms));
  const Server server(settings.model, {"--workers", std::to_string(settings.workers)});
  Plan peak;
  peak.port = server.port();
  peak.requests = &requests;
  peak.connections = 2 * settings.workers + 2;
  peak.seconds = settings.seconds;
  run(peak);  // Until it knows its pace and its memory is warm.
  const long before = server.resident_kib();
  const auto cores = static_cast<double>(std::thread::hardware_concurrency());
  std::vector<double> goodput;
  std::vector<double> goodput_of_rest;
  std::vector<double> refusals;
  std::size_t accepted = 0;
  std::size_t by_client = 0;
  std::size_t by_server = 0;
  std::size_t refused = 0;
  std::size_t other = 0;
  std::size_t skipped = 0;
  std::size_t sent = 0;
  Prober prober(server.port());
  for (int i = 0; i < settings.repetitions; ++i) {
    const Outcome best = run(peak);
    const double capacity = best.rate(200);
    Plan flood = peak;
    flood.connections = 256;
    flood.rate = excess * capacity;
    const Outcome outcome = run(flood);
    const std::vector<double>& fine = of_status(outcome, 200);
    const std::vector<double>& no = of_status(outcome, 503);
    const std::size_t in_time = within(outcome.server_totals, deadline_ms);
    goodput.push_back(static_cast<double>(in_time) / outcome.seconds / capacity);
    // Sending five times as much takes a share of the same cores, which the server can't have.
    goodput_of_rest.push_back(goodput.back() * (cores - best.generator_seconds / best.seconds) /
                              (cores - outcome.generator_seconds / outcome.seconds));
    refusals.insert(refusals.end(), no.begin(), no.end());
    accepted += fine.size();
    refused += no.size();
    by_client += within(fine, deadline_ms);
    by_server += in_time;
    other += outcome.sent - fine.size() - no.size() + outcome.without_retry_after;
    skipped += outcome.skipped;
    sent += outcome.sent;
  }
  const bool live = prober.finish();
  std::printf("overload with %s, %.0f times the capacity, deadline %d ms:\n", what, excess, deadline_ms);
  std::printf("  sent %zu (and %zu that no connection was free for), classified %zu, refused %zu, anything else %zu\n",
              sent, skipped, accepted, refused, other);
  std::printf("  goodput / peak:                  %s\n", spread(goodput).c_str());
  std::printf("  the same, without the generator: %s\n", spread(goodput_of_rest).c_str());
  std::printf("  classified within the deadline: %.4f by the server's clock, %.4f by the client's\n",
              share(by_server, accepted), share(by_client, accepted));
  std::printf("  refused within 5 ms:            %.4f (p50 %.2f ms, p99 %.2f ms)\n",
              share(within(refusals, 5), refused), quantile(refusals, 0.5), quantile(refusals, 0.99));
  std::printf(
      "  memory: %+.1f MB to %.1f MB; /health/live %s\n", static_cast<double>(server.resident_kib() - before) / 1024,
      static_cast<double>(server.resident_kib()) / 1024, live ? "answered all the time" : "NOT ALWAYS ANSWERED");
  return other == 0 && live;
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
  for (const Picture& picture : settings.pictures) photos.push_back(picture.bytes);
  const bool with_photos = overload_with(settings, "the pictures", photos, 200);
  const bool with_costly = overload_with(settings, "4-megapixel PNGs of a few KB", {costly_picture()}, 400);
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
  for (const std::string& body : mixed_bodies(settings.pictures)) requests.push_back(make_request(body, settings.form));
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
  std::printf("memory: %zu pictures of %zu kinds:", outcome.sent, requests.size());
  for (const auto& [status, latencies] : outcome.latencies) {
    std::printf(" %zu x %d", latencies.size(), status);
    if (status >= 500) failed += latencies.size();
  }
  std::printf("; after %zu to warm up %.1f MB, then %+.1f MB\n", warm_up, static_cast<double>(before) / 1024,
              static_cast<double>(after - before) / 1024);
  return failed == 0;
}

}  // namespace catdog::bench
