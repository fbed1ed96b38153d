// SPDX-License-Identifier: Apache-2.0
// Which endpoint answers a method and a path.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call.hpp"

namespace catdog::service {

// The Problem by which a body of that size would be refused as things stand, if any, before it is read. Returned, not
// thrown: under overload it is what most requests get, and unwinding took a tenth of their time.
using Admission = std::function<std::optional<Problem>(std::uint64_t body_bytes, Clock::time_point deadline)>;

struct Route {
  std::string method;
  std::string path;  // A last '*' stands for any rest, '{name}' for one segment.
  std::function<void(const CallPtr&)> handler;
  bool needs_body = false;  // A request without one is 411.
  Admission admit = {};     // May be empty.
};

class Router {
 public:
  // Answers later, from any thread.
  void add_async(std::string method, std::string path, std::function<void(const CallPtr&)> handler,
                 bool needs_body = false, Admission admit = {});
  // Answers at once, on the I/O thread: must not block.
  void add(std::string method, std::string path, std::function<Response(const Request&)> handler,
           bool needs_body = false);

  // Throws Problem: 404, or 405 with Allow. A HEAD goes where a GET would.
  const Route& find(std::string_view method, std::string_view path) const;
  // "GET, HEAD, OPTIONS"; "" for a path that there isn't.
  std::string allowed(std::string_view path) const;
  // Path of the route as a bounded label for metrics; "other" when there is none.
  std::string label(std::string_view path) const;
  // Whatever the handler throws becomes its reply.
  void dispatch(const Route& route, const CallPtr& call) const;

  // The reply for a problem in the form that the path's protocol wants.
  static Response refusal(const Problem& problem, const Request& request);
  // The same for the exception that is being handled; anything but a Problem is a 500.
  static Response refusal_of_current_exception(const Request& request);

 private:
  std::vector<Route> routes_;
};

}  // namespace catdog::service
