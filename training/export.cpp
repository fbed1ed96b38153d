// SPDX-License-Identifier: Apache-2.0
#include "export.hpp"

#include <torch/version.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "catdog/version.h"
#include "engine/torch/model_writer.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

nlohmann::ordered_json to_json(const Metrics& m) {
  return {{"pictures", m.count},
          {"accuracy", m.accuracy},
          {"accuracy_95", {m.accuracy_low, m.accuracy_high}},
          {"log_loss", m.log_loss}};
}

}  // namespace

std::string export_model(const Trainer& trainer, const Dataset& data, const TrainOptions& options,
                         const std::string& architecture_json) {
  const Predictions validation = trainer.predict(Split::validation);
  const double temperature = fit_temperature(validation);
  const nlohmann::ordered_json metrics{{"validation", to_json(measure(validation, temperature))},
                                       {"test", to_json(measure(trainer.predict(Split::test), temperature))}};
  const core::InputSpec spec;
  const nlohmann::ordered_json config{
      {"format", "catdog-model"},
      {"format_version", 1},
      {"name", options.name},
      {"version", options.version},
      {"labels", data.labels},
      {"input",
       {{"width", options.image_size},
        {"height", options.image_size},
        {"colour", "rgb"},
        {"resize", "squash-area"},
        {"mean", {0.485, 0.456, 0.406}},
        {"std", {0.229, 0.224, 0.225}}}},
      {"architecture", nlohmann::ordered_json::parse(architecture_json)},
      {"calibration", {{"method", "temperature"}, {"temperature", temperature}, {"abstain_below", 0.0}}},
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
          {"without_teacher", data.untaught}}}}}};
  torch_io::StateDict state;
  for (const auto& [name, tensor] : trainer.result())
    state[name] = tensor.detach().contiguous(at::MemoryFormat::Contiguous);
  torch_io::write_model_file(options.output + "/best_model.pt", config.dump(2), state);
  std::ofstream out(options.output + "/evaluation.json");
  out << metrics.dump(2) << '\n';
  if (!out.flush()) throw core::Failure(core::Status::io, "can't write " + options.output + "/evaluation.json");
  return metrics.dump(2);
}

}  // namespace catdog::training
