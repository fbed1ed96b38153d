// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "commands.hpp"
#include "inputs.hpp"
#include "metrics.hpp"
#include "ordered_run.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "session.hpp"

namespace catdog::cli {
namespace {

namespace fs = std::filesystem;

struct EvaluateOptions {
  ModelOptions model;
  std::string folder;
  std::string list;
  std::string predictions;
  bool json = false;
  RunOptions run;
};

struct LabelledPicture {
  std::string path;
  int truth = 0;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "'" : ", '") + word + "'";
  return text;
}

int index_of(const std::string& label, const std::vector<std::string>& labels) {
  const auto found = std::find(labels.begin(), labels.end(), label);
  return found == labels.end() ? -1 : static_cast<int>(found - labels.begin());
}

void refuse_unknown(const std::vector<std::string>& unknown, const std::vector<std::string>& labels) {
  if (unknown.empty()) return;
  throw CommandError(exit_usage, "no label of the model: " + joined(unknown) +
                                     " (folders must be named after the labels " + joined(labels) + ")");
}

std::vector<LabelledPicture> from_folders(const fs::path& folder, const std::vector<std::string>& labels) {
  std::vector<std::string> unknown;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && name.front() != '.' && index_of(name, labels) < 0) unknown.push_back(name);
  }
  std::sort(unknown.begin(), unknown.end());
  refuse_unknown(unknown, labels);
  std::vector<LabelledPicture> pictures;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const fs::path sub = folder / labels[i];
    if (!fs::is_directory(sub)) throw CommandError(exit_usage, "the folder '" + sub.string() + "' is missing");
    for (const std::string& path : pictures_in(sub, true)) pictures.push_back({path, static_cast<int>(i)});
  }
  return pictures;
}

std::vector<LabelledPicture> from_list(const fs::path& folder, const std::string& list,
                                       const std::vector<std::string>& labels) {
  std::ifstream in(list, std::ios::binary);
  if (!in) throw CommandError(exit_usage, "can't read the list '" + list + "'");
  std::vector<LabelledPicture> pictures;
  std::vector<std::string> unknown;
  for (const std::string& line : read_paths(in, false)) {
    const fs::path relative = fs::path(line).lexically_normal();
    const std::string name = relative.begin()->string();
    const int truth = index_of(name, labels);
    if (truth < 0 && std::find(unknown.begin(), unknown.end(), name) == unknown.end()) unknown.push_back(name);
    pictures.push_back({(folder / relative).string(), truth});
  }
  refuse_unknown(unknown, labels);
  return pictures;
}

std::vector<LabelledPicture> gather(const EvaluateOptions& options, const std::vector<std::string>& labels) {
  if (!fs::is_directory(options.folder)) throw CommandError(exit_usage, "'" + options.folder + "' is no folder");
  std::vector<LabelledPicture> pictures =
      options.list.empty() ? from_folders(options.folder, labels) : from_list(options.folder, options.list, labels);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool any = std::any_of(pictures.begin(), pictures.end(),
                                 [&](const LabelledPicture& picture) { return picture.truth == static_cast<int>(i); });
    if (!any) throw CommandError(exit_usage, "no pictures of the class '" + labels[i] + "'");
  }
  return pictures;
}

nlohmann::ordered_json optional_json(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json to_json(const Metrics& metrics, std::size_t unreadable, const Session& session) {
  nlohmann::ordered_json out;
  out["model"] = {{"name", session.info(CATDOG_INFO_MODEL_NAME)},
                  {"version", session.info(CATDOG_INFO_MODEL_VERSION)},
                  {"sha256", session.info(CATDOG_INFO_MODEL_SHA256)},
                  {"engine", session.info(CATDOG_INFO_ENGINE)},
                  {"precision", session.info(CATDOG_INFO_PRECISION)}};
  out["pictures"] = metrics.count;
  out["unreadable"] = unreadable;
  out["correct"] = metrics.correct;
  out["accuracy"] = metrics.accuracy;
  out["accuracy_ci95"] = {metrics.accuracy_interval.low, metrics.accuracy_interval.high};
  out["auc"] = optional_json(metrics.auc);
  out["ece"] = metrics.ece;
  out["nll"] = metrics.nll;
  out["brier"] = metrics.brier;
  out["coverage"] = metrics.coverage;
  out["covered_accuracy"] = optional_json(metrics.covered_accuracy);
  out["labels"] = session.labels();
  for (std::size_t i = 0; i < metrics.classes.size(); ++i) {
    const ClassMetrics& one = metrics.classes[i];
    out["classes"][session.labels()[i]] = {{"support", one.support},
                                           {"precision", optional_json(one.precision)},
                                           {"recall", optional_json(one.recall)},
                                           {"f1", optional_json(one.f1)},
                                           {"auc", optional_json(one.auc)}};
  }
  out["confusion"] = metrics.confusion;
  return out;
}

std::string fixed(const std::optional<double>& value) {
  if (!value) return "-";
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.4f", *value);
  return buffer.data();
}

std::string padded(const std::string& text, std::size_t columns) {
  return std::string(text.size() < columns ? columns - text.size() : 0, ' ') + text;
}

std::string to_table(const Metrics& metrics, std::size_t unreadable, const std::vector<std::string>& labels) {
  std::string text =
      "pictures   " + std::to_string(metrics.count) + " (" + std::to_string(unreadable) + " unreadable)\n";
  text += "accuracy   " + fixed(metrics.accuracy) + "  (95 % interval " + fixed(metrics.accuracy_interval.low) + ".." +
          fixed(metrics.accuracy_interval.high) + ")\n";
  text += "AUC        " + fixed(metrics.auc) + "\nECE        " + fixed(metrics.ece) + "\nNLL        " +
          fixed(metrics.nll) + "\nBrier      " + fixed(metrics.brier) + "\ncoverage   " + fixed(metrics.coverage) +
          "  (accuracy there " + fixed(metrics.covered_accuracy) + ")\n\n";
  std::size_t width = 8;
  for (const std::string& label : labels) width = std::max(width, label.size() + 1);
  text += padded("class", width);
  for (const char* title : {"pictures", "precision", "recall", "F1", "AUC"}) text += padded(title, 11);
  text += "\n";
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const ClassMetrics& one = metrics.classes[i];
    text += padded(printable(labels[i]), width) + padded(std::to_string(one.support), 11) +
            padded(fixed(one.precision), 11) + padded(fixed(one.recall), 11) + padded(fixed(one.f1), 11) +
            padded(fixed(one.auc), 11) + "\n";
  }
  text += "\nconfusion (rows: truth; columns: answer)\n" + std::string(width, ' ');
  for (const std::string& label : labels) text += padded(printable(label), width + 1);
  text += "\n";
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += padded(printable(labels[i]), width);
    for (const std::size_t n : metrics.confusion[i]) text += padded(std::to_string(n), width + 1);
    text += "\n";
  }
  return text;
}

std::string prediction_row(const Verdict& verdict, const std::string& truth, std::size_t labels) {
  return csv_field(truth) + "," + csv_row(verdict, labels);
}

int evaluate(const EvaluateOptions& options) {
  const Session session(options.model);
  const std::vector<LabelledPicture> pictures = gather(options, session.labels());
  std::ofstream predictions;
  if (!options.predictions.empty()) {
    predictions.open(options.predictions, std::ios::binary);
    if (!predictions) throw CommandError(exit_usage, "can't write '" + options.predictions + "'");
    predictions << "truth," << csv_header(session.labels());
  }
  std::vector<Sample> samples;
  std::size_t unreadable = 0;
  std::size_t delivered = 0;
  {
    Progress progress(pictures.size(), !options.run.no_progress);
    std::size_t at = 0;
    const auto deliver = [&](const Verdict& verdict) {
      const LabelledPicture& picture = pictures[at++];
      const std::string& truth = session.labels()[static_cast<std::size_t>(picture.truth)];
      if (predictions.is_open()) predictions << prediction_row(verdict, truth, session.labels().size());
      if (verdict.status == CATDOG_OK) {
        samples.push_back({picture.truth, verdict.label_index, verdict.abstained, verdict.probabilities});
      } else {
        ++unreadable;
        progress.hide();
        complain(verdict.path + ": " + catdog_status_name(verdict.status) + ": " + verdict.message);
      }
      progress.advance();
    };
    const int jobs = options.run.jobs > 0 ? options.run.jobs : session.granted_threads();
    delivered = run_in_order(
        pictures.size(), jobs, [&](std::size_t i) { return session.classify_file(pictures[i].path); }, deliver);
  }
  if (predictions.is_open() && !predictions.flush()) {
    throw CommandError(exit_output, "can't write all of '" + options.predictions + "': is the disk full?");
  }
  if (samples.empty() && delivered == pictures.size()) {
    throw CommandError(exit_unreadable, "none of the " + std::to_string(pictures.size()) + " pictures could be read");
  }
  if (samples.empty()) return exit_signal;
  if (delivered < pictures.size()) {
    complain("interrupted: the figures are of the first " + std::to_string(delivered) + " pictures of " +
             std::to_string(pictures.size()));
  }
  const Metrics metrics = compute_metrics(samples, session.labels().size());
  write_out(options.json ? dump_json(to_json(metrics, unreadable, session), 2)
                         : to_table(metrics, unreadable, session.labels()));
  if (delivered < pictures.size()) return exit_signal;
  return unreadable > 0 ? exit_unreadable : exit_ok;
}

}  // namespace

void add_evaluate(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = app.add_subcommand("evaluate", "Measure a model on labelled pictures");
  command->add_option("DIR", options->folder, "Folder whose sub-folders are named after the labels")->required();
  command->add_option("--list", options->list,
                      "Use only these files: paths relative to DIR, such as cat/1.jpg, one a line");
  command->add_option("--predictions", options->predictions, "Also write each picture's verdict to this CSV file");
  command->add_flag("--json", options->json, "One JSON object");
  add_run_options(*command, options->run);
  add_model_options(*command, options->model, true);
  command->footer(R"(
Examples:
  catdog evaluate pictures/                      pictures/cat/*.jpg, pictures/dog/*.jpg
  catdog evaluate pictures --list test_split.txt --json
  catdog evaluate pictures --predictions verdicts.csv)");
  command->callback([options, &exit_code] { exit_code = evaluate(*options); });
}

}  // namespace catdog::cli
