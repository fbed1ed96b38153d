// SPDX-License-Identifier: Apache-2.0
// POST /predict: one picture or several, cat or dog.
#include "codec/documents.hpp"
#include "endpoints/classify.hpp"
#include "endpoints/endpoints.hpp"

namespace catdog::service {

namespace {

void predict(Service& service, Call& call, double queue_ms) {
  const Request& request = call.request();
  const ModelPtr model = require_model(service);
  const std::vector<Upload> uploads = read_uploads(request, service.config.max_pictures);
  const std::vector<Verdict> verdicts = classify_all(service, *model, call, uploads, queue_ms);
  Response response;
  response.headers.push_back({"Server-Timing", server_timing(verdicts)});
  if (verdicts.size() == 1 && verdicts.front().status != 200) {
    const Verdict& failed = verdicts.front();
    Response refused =
        problem_response(Problem(failed.status, failed.problem_type, failed.problem_detail), request.request_id);
    refused.headers.insert(refused.headers.end(), response.headers.begin(), response.headers.end());
    call.reply(std::move(refused));  // Its type was counted with the picture.
    return;
  }
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i].status != 200) continue;
    service.feedback->remember(item_request_id(request.request_id, i, verdicts.size()), verdicts[i].predicted_class);
  }
  response.body = render_prediction(verdicts, model->info, request.request_id);
  call.reply(std::move(response));
}

}  // namespace

void add_predict(Router& router, Service& service) {
  router.add_async(
      "POST", "/predict",
      [&service](const CallPtr& call) {
        require_model(service);
        service.queue.submit(call, [&service, call](double queue_ms) { predict(service, *call, queue_ms); });
      },
      true, admission(service));
}

}  // namespace catdog::service
