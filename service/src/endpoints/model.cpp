// SPDX-License-Identifier: Apache-2.0
// GET /model: which model answers.
#include "codec/documents.hpp"
#include "endpoints/classify.hpp"
#include "endpoints/endpoints.hpp"

namespace catdog::service {

void add_model(Router& router, Service& service) {
  router.add("GET", "/model", [&service](const Request&) {
    Response response;
    response.body = render_model(require_model(service)->info);
    return response;
  });
}

}  // namespace catdog::service
