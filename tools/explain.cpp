// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "commands.hpp"
#include "inputs.hpp"
#include "output.hpp"
#include "session.hpp"

namespace catdog::cli {
namespace {

constexpr int longest_drawn_side = 1024;

struct ExplainOptions {
  ModelOptions model;
  std::string image;
  std::string label;
  std::string output;
  bool json = false;
};

int index_of(const std::string& label, const std::vector<std::string>& labels) {
  if (label.empty()) return -1;
  const auto found = std::find(labels.begin(), labels.end(), label);
  if (found != labels.end()) return static_cast<int>(found - labels.begin());
  std::string known;
  for (const std::string& each : labels) known += (known.empty() ? "" : ", ") + each;
  throw CommandError(exit_usage, "this model has no label '" + label + "'; it has " + known);
}

// In the image's proportions.
void write_drawing(const Explanation& explanation, const std::string& path) {
  const int width = explanation.result().width();
  const int height = explanation.result().height();
  const double scale = std::min(1.0, static_cast<double>(longest_drawn_side) / std::max(width, height));
  const auto scaled = [scale](int side) { return std::max(1, static_cast<int>(std::lround(side * scale))); };
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(scaled(width));
  image.height = static_cast<png_uint_32>(scaled(height));
  image.format = PNG_FORMAT_RGB;
  const std::vector<std::uint8_t> pixels = explanation.draw(scaled(width), scaled(height));
  if (png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr) == 0) {
    throw CommandError(exit_output, "can't write '" + path + "': " + image.message);
  }
}

std::string json_of(const Verdict& verdict, const Explanation& explanation, const std::vector<std::string>& labels) {
  nlohmann::ordered_json row = nlohmann::ordered_json::parse(json_row(verdict, labels));
  row["explained"] = labels[static_cast<std::size_t>(explanation.label_index())];
  row["map"] = explanation.map();
  return dump_json(row);
}

int explain(const ExplainOptions& options) {
  const Session session(options.model);
  const int label = index_of(options.label, session.labels());
  const std::string piped = options.image == "-" ? read_stdin(options.model.encoded_limit()) : std::string();
  try {
    const Explanation explanation = session.explain(options.image, label, piped);
    const Verdict verdict{options.image, explanation.result()};
    if (!options.output.empty()) write_drawing(explanation, options.output);
    write_out(options.json ? json_of(verdict, explanation, session.labels()) : text_row(verdict));
    return exit_ok;
  } catch (const Error& error) {
    complain(options.image + ": " + error.status_name() + ": " + error.what());
    return error.status() == CATDOG_ERROR_MODEL_UNSUPPORTED ? exit_model : exit_unreadable;
  }
}

}  // namespace

void add_explain(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* command = app.add_subcommand("explain", "Show where in an image the network sees a label");
  command->add_option("IMAGE", options->image, "An image; - for one on standard input")->required();
  CLI::Option* output = command->add_option("-o,--output", options->output,
                                            "PNG file to write: the image, darker where it doesn't show the label");
  command->add_flag("--json", options->json, "The verdict with the map: for each place the trust in the label, 0 to 1")
      ->excludes(output);
  command->add_option("--label", options->label, "The label to look for; default: the most probable one");
  add_model_options(*command, options->model, true);
  command->footer(R"(
Examples:
  catdog explain pet.jpg -o map.png
  catdog explain pet.jpg --label dog -o map.png
  catdog explain pet.jpg --json | jq .map)");
  command->callback([options, output, &exit_code] {
    if (options->json == (output->count() > 0)) {
      throw CommandError(exit_usage, "say where the map is to go: -o FILE.png, or --json");
    }
    exit_code = explain(*options);
  });
}

}  // namespace catdog::cli
