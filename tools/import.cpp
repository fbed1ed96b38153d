// SPDX-License-Identifier: Apache-2.0
// PyTorch state-dict → model file. libtorch stays in the plug-in, which is opened only here.
#include <dlfcn.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "commands.hpp"
#include "output.hpp"
#include "runtime/own_folder.hpp"
#include "session.hpp"
#include "torch_io/import_abi.h"

namespace catdog::cli {

extern const char* const simplecnn_architecture;  // training/architectures/simplecnn.json

namespace {

namespace fs = std::filesystem;
constexpr const char* plugin_file = "libcatdog-torch.so";

struct ImportOptions {
  std::string checkpoint;
  std::string output;
  std::string architecture;
  std::string plugin;
  std::string name = "imported";
  std::string version = "0.1.0";
  std::string input = "128x128";
  std::vector<std::string> labels{"cat", "dog"};
  std::vector<double> mean{0.485, 0.456, 0.406};
  std::vector<double> deviation{0.229, 0.224, 0.225};
  double temperature = 1.0;
  double abstain_below = 0.0;
};

std::vector<std::string> plugin_candidates(const std::string& asked_for) {
  if (!asked_for.empty()) return {asked_for};
  return core::companion_libraries(reinterpret_cast<const void*>(&catdog_version), plugin_file);
}

catdog_torch_import_v1_fn load_importer(const std::string& asked_for) {
  std::string tried;
  for (const std::string& candidate : plugin_candidates(asked_for)) {
    void* handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* reason = dlerror();
      tried += (tried.empty() ? " " : "; ") + candidate + ": " + (reason == nullptr ? "unknown reason" : reason);
      continue;
    }
    void* symbol = dlsym(handle, CATDOG_TORCH_IMPORT_V1);
    if (symbol == nullptr) throw CommandError(exit_model, candidate + " is of another version: it has no importer");
    return reinterpret_cast<catdog_torch_import_v1_fn>(symbol);
  }
  throw CommandError(exit_model,
                     "import needs the torch plug-in, which could not be opened; install it or name it with "
                     "--plugin; tried:" +
                         tried);
}

nlohmann::ordered_json read_architecture(const std::string& path) {
  std::string text = simplecnn_architecture;
  if (!path.empty()) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream all;
    all << in.rdbuf();
    if (!in) throw CommandError(exit_usage, "can't read the architecture '" + path + "'");
    text = all.str();
  }
  auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("layers") || !json["layers"].is_array()) {
    throw CommandError(exit_usage, "'" + path + "' is no architecture: a JSON object with \"layers\" is expected");
  }
  return json;
}

// 0 when no layer says it: the importer then refuses the layer list with its own reason.
std::uint64_t output_count(const nlohmann::ordered_json& architecture) {
  const nlohmann::ordered_json& layers = architecture["layers"];
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    for (const char* key : {"out_features", "out_channels"}) {
      if (layer->is_object() && layer->contains(key) && (*layer)[key].is_number_unsigned()) {
        return (*layer)[key].get<std::uint64_t>();
      }
    }
  }
  return 0;
}

std::string catdog_json(const ImportOptions& options) {
  int width = 0;
  int height = 0;
  char x = 0;
  std::istringstream size(options.input);
  if (!(size >> width >> x >> height) || x != 'x' || !size.eof()) {
    throw CommandError(exit_usage, "--input: '" + options.input + "' is not WIDTHxHEIGHT, such as 128x128");
  }
  const nlohmann::ordered_json architecture = read_architecture(options.architecture);
  const std::uint64_t outputs = output_count(architecture);
  if (outputs != 0 && outputs != options.labels.size()) {
    throw CommandError(exit_usage, "--labels names " + std::to_string(options.labels.size()) +
                                       " labels, but the last layer of the architecture has " +
                                       std::to_string(outputs) + " outputs: name one label for each");
  }
  nlohmann::ordered_json out;
  out["format"] = "catdog-model";
  out["format_version"] = 1;
  out["name"] = options.name;
  out["version"] = options.version;
  out["labels"] = options.labels;
  out["input"] = {{"width", width},          {"height", height},     {"colour", "rgb"},
                  {"resize", "squash-area"}, {"mean", options.mean}, {"std", options.deviation}};
  out["architecture"] = architecture;
  out["calibration"] = {{"temperature", options.temperature}, {"abstain_below", options.abstain_below}};
  out["metrics"] = nlohmann::ordered_json::object();
  out["provenance"] = {{"imported_from", fs::path(options.checkpoint).filename().string()}};
  return dump_json(out);
}

int import_checkpoint(const ImportOptions& options) {
  const std::string json = catdog_json(options);
  if (!fs::is_regular_file(options.checkpoint)) {
    throw CommandError(exit_usage, "the checkpoint '" + options.checkpoint + "' is no file");
  }
  const catdog_torch_import_v1_fn import = load_importer(options.plugin);
  std::array<char, 1024> error{};
  const catdog_status status =
      import(options.checkpoint.c_str(), json.c_str(), options.output.c_str(), error.data(), error.size());
  if (status != CATDOG_OK) {
    throw CommandError(exit_unreadable, "can't import '" + options.checkpoint + "' (" + catdog_status_name(status) +
                                            "): " + error.data());
  }
  // Opening runs the golden self-test: what was written is a model that this library runs.
  ModelOptions written;
  written.path = options.output;
  written.plugin = options.plugin;
  const Session session(written);
  write_out("wrote " + printable(options.output) + " (" + session.info(CATDOG_INFO_ENGINE) + " engine, sha256 " +
            session.info(CATDOG_INFO_MODEL_SHA256) + ")\n");
  return exit_ok;
}

}  // namespace

void add_import(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* command = app.add_subcommand("import", "Make a model file from a PyTorch state-dict checkpoint");
  command->add_option("CHECKPOINT", options->checkpoint, "File written by torch.save()")->required();
  command->add_option("-o,--output", options->output, "Model file to write")->required();
  command->add_option("--architecture", options->architecture, "Layer list (JSON); default: SimpleCNN");
  command->add_option("--name", options->name)->capture_default_str();
  command->add_option("--model-version", options->version)->capture_default_str();
  command->add_option("--input", options->input, "WIDTHxHEIGHT of the network's input")->capture_default_str();
  command->add_option("--labels", options->labels, "In the order of the outputs")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--mean", options->mean, "Of red, green and blue, 0..1")->delimiter(',')->expected(3);
  command->add_option("--std", options->deviation, "Of red, green and blue")->delimiter(',')->expected(3);
  command->add_option("--temperature", options->temperature)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--abstain-below", options->abstain_below)->check(CLI::Range(0.0, 1.0))->capture_default_str();
  command->add_option("--plugin", options->plugin, "Path of libcatdog-torch.so");
  command->footer(R"(
Examples:
  catdog import best.pt -o model.pt                   SimpleCNN, 128x128, ImageNet mean and deviation
  catdog import net.pt -o model.pt --architecture net.json --input 224x224 --name net)");
  command->callback([options, &exit_code] { exit_code = import_checkpoint(*options); });
}

}  // namespace catdog::cli
