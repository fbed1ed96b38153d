// SPDX-License-Identifier: Apache-2.0
// The endpoints, one file each; each adds its routes.
#pragma once

#include <functional>

#include "router.hpp"
#include "service.hpp"

namespace catdog::service {

void add_predict(Router& router, Service& service);
void add_feedback(Router& router, Service& service);
void add_health(Router& router, Service& service);
void add_metrics(Router& router, Service& service);
void add_model(Router& router, Service& service);
void add_oip(Router& router, Service& service);
void add_pages(Router& router);

// What came of a reload: "" for done, else why the old model was kept.
using ReloadDone = std::function<void(const std::string& refusal)>;
// Starts one; `done` is called once, from any thread. False while another one runs.
using Reload = std::function<bool(ReloadDone done)>;
void add_admin(Router& router, Service& service, Reload reload);

}  // namespace catdog::service
