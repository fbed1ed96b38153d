// SPDX-License-Identifier: Apache-2.0
// The endpoints, one file each; each adds its routes.
#pragma once

#include "router.hpp"
#include "service.hpp"

namespace catdog::service {

void add_predict(Router& router, Service& service);
void add_explain(Router& router, Service& service);
void add_feedback(Router& router, Service& service);
void add_health(Router& router, Service& service);
void add_metrics(Router& router, Service& service);
void add_model(Router& router, Service& service);
void add_oip(Router& router, Service& service);
void add_pages(Router& router);
void add_admin(Router& router, Service& service);

void add_api(Router& router, Service& service);        // What clients ask: predict, explain, feedback, oip, pages.
void add_operation(Router& router, Service& service);  // What every port answers: health, metrics, model.

// What GET /model says of a model.
Response describe_model(const Classifier& classifier);

// The metrics that are read off the service at each scrape.
void add_state_metrics(Service& service);

// Loads another model in place of the one in use, counts and logs how that ended. Throws Problem: 409, 422.
boost::asio::awaitable<ModelPtr> reload_model(Service& service);

}  // namespace catdog::service
