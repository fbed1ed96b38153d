// SPDX-License-Identifier: Apache-2.0
// Images a second: service next to bare loop, two workers next to one.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <catdog/catdog.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "load.hpp"
#include "modes.hpp"
#include "server.hpp"

namespace catdog::bench {

namespace {

using Clock = std::chrono::steady_clock;

struct Pace {
  double rate = 0;       // Images a second.
  double cpu = 0;        // Milliseconds of CPU time an image.
  double generator = 0;  // The same, of the load generator.
};

double own_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Pace bare_loop(const Classifier& classifier, const Settings& settings) {
  std::atomic<std::size_t> done{0};
  std::atomic<std::size_t> next{0};
  const double cpu = own_cpu_seconds();
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration<double>(settings.seconds);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(settings.workers));
  for (int i = 0; i < settings.workers; ++i) {
    threads.emplace_back([&] {
      while (Clock::now() < end) {
        const Image& image = settings.images[next++ % settings.images.size()];
        static_cast<void>(classifier.classify(Bytes(image.bytes)));
        ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const auto images = static_cast<double>(done);
  return {images / seconds, 1e3 * (own_cpu_seconds() - cpu) / images, 0};
}

Pace service(const Server& server, const std::vector<std::string>& requests, int workers, double seconds) {
  Plan plan;
  plan.port = server.port();
  plan.requests = &requests;
  plan.connections = 2 * workers + 2;  // Enough that no worker waits for the generator.
  plan.seconds = seconds;
  const double cpu = server.cpu_seconds();
  const Outcome outcome = run(plan);
  const auto images = static_cast<double>(outcome.answered(200));
  if (images == 0 || outcome.answered(200) != outcome.sent) throw std::runtime_error("not every image was classified");
  return {outcome.rate(200), 1e3 * (server.cpu_seconds() - cpu) / images, 1e3 * outcome.generator_seconds / images};
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

}  // namespace

std::vector<std::string> make_requests(const Settings& settings) {
  std::vector<std::string> requests;
  for (const Image& image : settings.images) requests.push_back(make_request(image.bytes, settings.form));
  return requests;
}

std::string spread(const std::vector<double>& ratios) {
  char text[80];
  std::snprintf(text, sizeof text, "%.3f (%.3f to %.3f)", median(ratios),
                *std::min_element(ratios.begin(), ratios.end()), *std::max_element(ratios.begin(), ratios.end()));
  return text;
}

bool compare_speed(const Settings& settings) {
  const auto classifier = Classifier::open(settings.model);
  classifier.warm_up(settings.workers);
  const std::vector<std::string> requests = make_requests(settings);
  const Server many(settings.model, {"--workers", std::to_string(settings.workers)});
  const Server one(settings.model, {"--workers", "1"});
  Settings warm_up = settings;
  warm_up.seconds = 0.3;
  bare_loop(classifier, warm_up);
  service(many, requests, settings.workers, warm_up.seconds);
  service(one, requests, 1, warm_up.seconds);
  std::vector<double> rate_ratios;
  std::vector<double> cpu_ratios;
  std::vector<double> worker_ratios;
  std::vector<double> share_ratios;
  std::vector<double> bare_rates;
  std::vector<double> many_rates;
  std::vector<double> one_rates;
  std::vector<double> generator;
  for (int i = 0; i < settings.repetitions; ++i) {
    const Pace bare = bare_loop(classifier, settings);
    const Pace at_many = service(many, requests, settings.workers, settings.seconds);
    const Pace at_one = service(one, requests, 1, settings.seconds);
    bare_rates.push_back(bare.rate);
    many_rates.push_back(at_many.rate);
    one_rates.push_back(at_one.rate);
    generator.push_back(at_many.generator);
    rate_ratios.push_back(at_many.rate / bare.rate);
    cpu_ratios.push_back(bare.cpu / at_many.cpu);
    // What the generator took of the cores, the server couldn't have.
    share_ratios.push_back(at_many.rate / bare.rate * (at_many.cpu + at_many.generator) / at_many.cpu);
    worker_ratios.push_back(at_many.rate / at_one.rate);
  }
  std::printf("images/s: bare loop %.0f, service with %d workers %.0f, with one %.0f; generator %.3f ms CPU an image\n",
              median(bare_rates), settings.workers, median(many_rates), median(one_rates), median(generator));
  std::printf("service / bare loop, images/s:               %s\n", spread(rate_ratios).c_str());
  std::printf("service / bare loop, without the generator:    %s\n", spread(share_ratios).c_str());
  std::printf("service / bare loop, images a CPU second:    %s\n", spread(cpu_ratios).c_str());
  std::printf("%d workers / one, images/s:                   %s\n", settings.workers, spread(worker_ratios).c_str());
  return true;
}

bool against(const Settings& settings, const std::vector<std::uint16_t>& ports, int connections) {
  const std::vector<std::string> requests = make_requests(settings);
  Plan plan;
  plan.port = ports.front();
  plan.more_ports.assign(ports.begin() + 1, ports.end());
  plan.requests = &requests;
  plan.connections = connections;
  plan.connect_pause = 0.02;
  plan.seconds = settings.seconds;
  const Outcome outcome = run(plan);
  nlohmann::json labels = nlohmann::json::object();
  for (const auto& [index, label] : outcome.labels) labels[settings.images[index].name] = label;
  nlohmann::json answered = nlohmann::json::object();
  for (const auto& [status, latencies] : outcome.latencies) answered[std::to_string(status)] = latencies.size();
  const nlohmann::json line{{"pictures_per_second", outcome.rate(200)},
                            {"answered", answered},
                            {"lost", outcome.lost},
                            {"p50_ms", outcome.answered(200) > 0 ? quantile(outcome.latencies.at(200), 0.5) : 0},
                            {"p99_ms", outcome.answered(200) > 0 ? quantile(outcome.latencies.at(200), 0.99) : 0},
                            {"labels", labels}};
  std::printf("%s\n", line.dump().c_str());
  return outcome.lost == 0 && outcome.answered(200) == outcome.sent;
}

}  // namespace catdog::bench
