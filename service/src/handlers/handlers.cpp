// SPDX-License-Identifier: Apache-2.0
#include "handlers/handlers.hpp"

namespace catdog::service {

void add_api(Router& router, Service& service) {
  add_predict(router, service);
  add_explain(router, service);
  add_feedback(router, service);
  add_oip(router, service);
  add_pages(router);
}

void add_operation(Router& router, Service& service) {
  add_health(router, service);
  add_metrics(router, service);
  add_model(router, service);
}

}  // namespace catdog::service
