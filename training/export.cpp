// SPDX-License-Identifier: Apache-2.0
#include "export.hpp"

#include <torch/version.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "calibration.hpp"
#include "catdog/version.h"
#include "model/model_file.hpp"
#include "status.hpp"
#include "torch_io/model_writer.hpp"

namespace catdog::training {
namespace {

// Shares of the validation images with a class, and of its negatives, that the threshold of the score for neither is to
// let pass and to decline.
constexpr double answered_share = 0.985;
constexpr double declined_share = 0.99;

nlohmann::ordered_json to_json(const Predictions& predictions, double temperature, const NeitherCalibration* neither) {
  const Metrics m = measure(predictions, temperature);
  nlohmann::ordered_json json{{"pictures", m.count},
                              {"accuracy", m.accuracy},
                              {"accuracy_95", {m.accuracy_interval.low, m.accuracy_interval.high}},
                              {"log_loss", m.log_loss}};
  if (neither != nullptr) {
    const auto above = [&](const at::Tensor& logits) {
      return torch::sigmoid(logits.to(torch::kFloat64)).gt(neither->above).to(torch::kFloat64).mean().item<double>();
    };
    json["answered"] = 1 - above(predictions.neither);
    json["negatives"] = predictions.negative_neither.size(0);
    if (predictions.negative_neither.size(0) > 0) json["negatives_declined"] = above(predictions.negative_neither);
  }
  return json;
}

}  // namespace

std::string export_model(const Trainer& trainer, const Dataset& data, const TrainOptions& options,
                         const std::string& architecture_json) {
  Predictions validation = trainer.predict(Split::validation);
  Predictions test = trainer.predict(Split::test);
  StateDict state = trainer.result();
  const double temperature = fit_temperature(validation);
  nlohmann::ordered_json calibration{{"method", "temperature"}, {"temperature", temperature}, {"abstain_below", 0.0}};
  NeitherCalibration neither;
  const bool has_neither = validation.neither.defined();
  if (has_neither) {
    neither = fit_neither(validation, answered_share, declined_share);
    const auto output = static_cast<std::int64_t>(data.labels.size());
    fold(neither, trainer.network(), output, state);
    fold(neither, validation);
    fold(neither, test);
    calibration["neither"] = {{"output", output}, {"above", neither.above}};
  }
  calibration["curve"] = operating_curve(validation, temperature, neither.above);
  const NeitherCalibration* fitted = has_neither ? &neither : nullptr;
  const nlohmann::ordered_json metrics{{"validation", to_json(validation, temperature, fitted)},
                                       {"test", to_json(test, temperature, fitted)}};
  const nlohmann::ordered_json config{{"format", "catdog-model"},
                                      {"format_version", core::model_format_version},
                                      {"name", options.name},
                                      {"version", options.version},
                                      {"labels", data.labels},
                                      {"input",
                                       {{"width", options.image_size},
                                        {"height", options.image_size},
                                        {"colour", "rgb"},
                                        {"resize", "squash-area"},
                                        {"mean", options.mean},
                                        {"std", options.std_dev}}},
                                      {"architecture", nlohmann::ordered_json::parse(architecture_json)},
                                      {"calibration", calibration},
                                      {"metrics", metrics},
                                      {"provenance",
                                       {{"trainer", "catdog-train " CATDOG_VERSION},
                                        {"libtorch", TORCH_VERSION},
                                        {"options", nlohmann::ordered_json::parse(describe(options))},
                                        {"pictures",
                                         {{"train", data.indices(Split::train).size()},
                                          {"validation", data.indices(Split::validation).size()},
                                          {"test", data.indices(Split::test).size()},
                                          {"excluded", data.excluded},
                                          {"unreadable", data.unreadable.size()},
                                          {"without_teacher", data.without_teacher}}}}}};
  for (auto& [name, tensor] : state) tensor = tensor.detach().contiguous(at::MemoryFormat::Contiguous);
  torch_io::write_model_file(options.output + "/best_model.pt", config.dump(2), state);
  std::ofstream out(options.output + "/evaluation.json");
  out << metrics.dump(2) << '\n';
  if (!out.flush()) throw core::Failure(core::Status::io, "can't write " + options.output + "/evaluation.json");
  return metrics.dump(2);
}

}  // namespace catdog::training
