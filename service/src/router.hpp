// SPDX-License-Identifier: Apache-2.0
// Which handler answers a method and a path.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "message.hpp"

namespace catdog::service {

struct Route {
  using Handler = std::function<Response(const Request&)>;
  using Waiting = std::function<boost::asio::awaitable<Response>(RequestPtr)>;
  using Admission = std::function<std::optional<Problem>(const Request&)>;

  std::string method;
  std::string path;            // '{name}' stands for one segment.
  Handler handler = {};        // Answers at once, on the I/O thread: it must not block.
  Waiting waiting = {};        // Instead: answers later.
  std::uint64_t max_body = 0;  // 0: the route takes no body. A request without one is 411 otherwise.
  Admission admission = {};    // By its head: why the request is refused, if it is. Before its body takes memory.
  bool probe = false;          // Asked for all the time: logged at debug.
};

struct Match {
  const Route* route = nullptr;
  std::string_view endpoint = "other";  // The route's path: a bounded label for metrics.
  std::vector<std::string> captures;
};

class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  // Throws Problem: 404, or 405 with Allow; the match then has the endpoint alone. A HEAD goes where a GET would, and
  // OPTIONS is answered for every path.
  void find(std::string_view method, std::string_view path, Match& match) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace catdog::service
