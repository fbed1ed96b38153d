// SPDX-License-Identifier: Apache-2.0
// GET /model: which model answers.
#include "formats/documents.hpp"
#include "handlers/classify.hpp"
#include "handlers/handlers.hpp"

namespace catdog::service {

void add_model(Router& router, Service& service) {
  router.add({"GET", "/model", [&service](const Request&) {
                Response response;
                response.body = render_model(require_model(service)->classifier);
                return response;
              }});
}

}  // namespace catdog::service
