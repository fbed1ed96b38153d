// SPDX-License-Identifier: Apache-2.0
// POST /admin/reload, on the port of administration, for who has the token.
#include "codec/documents.hpp"
#include "endpoints/endpoints.hpp"

namespace catdog::service {

namespace {

// Takes as long for a wrong first byte as for a wrong last one.
bool same_secret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(secret[i % secret.size()]);
  }
  return difference == 0;
}

void authorise(const Config& config, const Request& request) {
  if (config.admin_token.empty()) {
    throw Problem(403, "administration-off",
                  "Administration is off: start the server with CATDOG_ADMIN_TOKEN or --admin-token-file.");
  }
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view given = request.header("Authorization");
  if (!given.starts_with(scheme) || !same_secret(given.substr(scheme.size()), config.admin_token)) {
    throw Problem(401, "unauthorised", "Send the token: 'Authorization: Bearer …'.", {{"WWW-Authenticate", "Bearer"}});
  }
}

}  // namespace

void add_admin(Router& router, Service& service, Reload reload) {
  router.add_async("POST", "/admin/reload", [&service, reload = std::move(reload)](const CallPtr& call) {
    authorise(service.config, call->request());
    const bool started = reload([&service, call](const std::string& refusal) {
      if (!refusal.empty()) {
        call->reply(
            Router::refusal(Problem(422, "model-refused", "The model in use was kept: " + refusal), call->request()));
        return;
      }
      Response response;
      response.body = render_model(service.model.get()->info);
      call->reply(std::move(response));
    });
    if (!started) throw Problem(409, "reload-running", "A model is being loaded already; try again when that is done.");
  });
}

}  // namespace catdog::service
