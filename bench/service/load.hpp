// SPDX-License-Identifier: Apache-2.0
// A load generator on one thread: it shares the cores with the server that it measures, so it must be cheap.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace catdog::bench {

struct Plan {
  std::uint16_t port = 0;
  std::vector<std::uint16_t> more_ports{};             // Connections are shared out evenly.
  const std::vector<std::string>* requests = nullptr;  // Whole HTTP requests, sent in turn.
  int connections = 4;                                 // Kept alive.
  double connect_pause = 0;                            // Seconds between them: of processes that share a port, the
                                                       // first to wake up accepts all that come at once.
  double seconds = 1;                                  // How long requests are started; replies are waited for.
  std::size_t count = 0;                               // Most requests; 0 = as many as the time allows.
  double rate = 0;  // Requests started a second, whether or not earlier ones were answered; 0 = as soon as one is.
};

struct Outcome {
  double seconds = 0;            // From the first request to the last reply.
  double generator_seconds = 0;  // Of CPU time.
  std::size_t sent = 0;
  std::size_t skipped = 0;                       // Due, but every connection was waiting for a reply.
  std::size_t lost = 0;                          // Without a reply.
  std::map<int, std::vector<double>> latencies;  // By status, milliseconds from the request's first byte.
  std::vector<double> server_totals;             // Of 200s: the server's own total by Server-Timing, milliseconds.
  std::size_t without_retry_after = 0;           // Of 503s.
  std::map<std::size_t, std::string> labels;     // By request's index, of its last 200.

  std::size_t answered(int status) const;
  double rate(int status) const { return static_cast<double>(answered(status)) / seconds; }
};

Outcome run(const Plan& plan);

// A raw image, or a form with one file, as a POST /predict. `deadline_ms` 0 = the server's own.
std::string make_request(const std::string& image, bool form, int deadline_ms = 0);
int connect_to(std::uint16_t port);                     // Throws std::runtime_error.
double quantile(std::vector<double> values, double q);  // 0 when there are none.

}  // namespace catdog::bench
