// SPDX-License-Identifier: Apache-2.0
// GET /model: which model answers.
#include "formats/json_body.hpp"
#include "handlers/classify.hpp"
#include "handlers/handlers.hpp"

namespace catdog::service {

Response describe_model(const Classifier& classifier) {
  return json_response(dump_json({{"name", classifier.info(CATDOG_INFO_MODEL_NAME)},
                                  {"version", classifier.info(CATDOG_INFO_MODEL_VERSION)},
                                  {"sha256", classifier.info(CATDOG_INFO_MODEL_SHA256)},
                                  {"engine", classifier.info(CATDOG_INFO_ENGINE)},
                                  {"precision", classifier.info(CATDOG_INFO_PRECISION)},
                                  {"labels", classifier.labels()},
                                  {"input",
                                   {{"width", classifier.integer(CATDOG_INFO_INPUT_WIDTH)},
                                    {"height", classifier.integer(CATDOG_INFO_INPUT_HEIGHT)}}},
                                  {"abstain_below", classifier.number(CATDOG_INFO_ABSTAIN_BELOW)},
                                  {"neither_above", classifier.number(CATDOG_INFO_NEITHER_ABOVE)}}));
}

void add_model(Router& router, Service& service) {
  router.add(
      {"GET", "/model", [&service](const Request&) { return describe_model(require_model(service)->classifier); }});
}

}  // namespace catdog::service
