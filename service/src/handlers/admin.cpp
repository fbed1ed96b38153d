// SPDX-License-Identifier: Apache-2.0
// POST /admin/reload, on the port of administration, for who has the token.
#include "formats/bearer.hpp"
#include "handlers/handlers.hpp"

namespace catdog::service {

namespace {

// Before anything of a body is read.
std::optional<Problem> authorise(const Config& config, const Request& request) {
  if (config.admin_token.empty()) {
    return Problem(403, "administration-off",
                   "Administration is off: start the server with CATDOG_ADMIN_TOKEN or --admin-token-file.");
  }
  return missing_bearer(request, config.admin_token);
}

boost::asio::awaitable<Response> reload(Service& service) {
  const ModelPtr model = co_await reload_model(service);
  co_return describe_model(model->classifier);
}

}  // namespace

boost::asio::awaitable<ModelPtr> reload_model(Service& service) {
  if (!service.ready || service.draining) {
    throw Problem(409, "reload-running", "The server is starting or ending; try again when it is ready.");
  }
  service.log.event(Level::info, "reload_started");
  std::string refusal;
  try {
    ModelPtr model = co_await service.models.load();
    service.metrics.reloads.at({"swapped"}).Increment();
    co_return model;
  } catch (const Problem&) {
    service.log.event(Level::warning, "reload_ignored");
    throw;
  } catch (const std::exception& failure) {
    refusal = failure.what();
  }
  service.metrics.reloads.at({"refused"}).Increment();
  service.log.event(Level::error, "reload_refused", {{"reason", refusal}});
  throw Problem(422, "model-refused", "The model in use was kept: " + refusal);
}

void add_admin(Router& router, Service& service) {
  Route route{"POST", "/admin/reload"};
  route.admission = [&service](const Request& request) { return authorise(service.config, request); };
  route.waiting = [&service](const RequestPtr&) { return reload(service); };
  router.add(std::move(route));
}

}  // namespace catdog::service
