// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>

#include "commands.hpp"
#include "evaluation.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "session.hpp"

namespace catdog::cli {
namespace {

struct EvaluateOptions {
  ModelOptions model;
  std::string folder;
  std::string list;
  std::string negatives;
  std::string predictions;
  std::string report;
  bool json = false;
  RunOptions run;
};

nlohmann::ordered_json optional_json(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json to_json(const Evaluation& evaluation, const Session& session) {
  const Metrics& metrics = evaluation.metrics;
  nlohmann::ordered_json out;
  out["model"] = {{"name", session.info(CATDOG_INFO_MODEL_NAME)},
                  {"version", session.info(CATDOG_INFO_MODEL_VERSION)},
                  {"sha256", session.info(CATDOG_INFO_MODEL_SHA256)},
                  {"engine", session.info(CATDOG_INFO_ENGINE)},
                  {"precision", session.info(CATDOG_INFO_PRECISION)}};
  out["pictures"] = metrics.count;
  out["unreadable"] = evaluation.unreadable;
  out["correct"] = metrics.correct;
  out["accuracy"] = metrics.accuracy;
  out["accuracy_ci95"] = {metrics.accuracy_interval.low, metrics.accuracy_interval.high};
  out["auc"] = optional_json(metrics.auc);
  out["ece"] = metrics.ece;
  out["nll"] = metrics.log_loss;
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
  out["neither"] = {{"pictures", metrics.neither.count},
                    {"declined", optional_json(metrics.neither.declined)},
                    {"called_neither", optional_json(metrics.neither.called_neither)},
                    {"auc", optional_json(metrics.neither.auc)}};
  out["answered"] = {{"share", optional_json(metrics.answered)},
                     {"accuracy", optional_json(metrics.answered_accuracy)}};
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

std::string to_table(const Evaluation& evaluation, const std::vector<std::string>& labels) {
  const Metrics& metrics = evaluation.metrics;
  std::string text =
      "images     " + std::to_string(metrics.count) + " (" + std::to_string(evaluation.unreadable) + " unreadable)\n";
  text += "accuracy   " + fixed(metrics.accuracy) + "  (95 % interval " + fixed(metrics.accuracy_interval.low) + ".." +
          fixed(metrics.accuracy_interval.high) + ")\n";
  text += "AUC        " + fixed(metrics.auc) + "\nECE        " + fixed(metrics.ece) + "\nNLL        " +
          fixed(metrics.log_loss) + "\nBrier      " + fixed(metrics.brier) + "\ncoverage   " + fixed(metrics.coverage) +
          "  (accuracy there " + fixed(metrics.covered_accuracy) + ")\n";
  if (metrics.neither.count > 0) {
    text += "neither    " + std::to_string(metrics.neither.count) + " images of no label: AUC " +
            fixed(metrics.neither.auc) + ", declined " + fixed(metrics.neither.declined) + ", called neither " +
            fixed(metrics.neither.called_neither) + "\nanswered   " + fixed(metrics.answered) +
            " of all images  (accuracy there " + fixed(metrics.answered_accuracy) + ")\n";
  }
  text += "\n";
  std::size_t width = 8;
  for (const std::string& label : labels) width = std::max(width, label.size() + 1);
  text += padded("class", width);
  for (const char* title : {"images", "precision", "recall", "F1", "AUC"}) text += padded(title, 11);
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

// Before the run, so that a mistyped path doesn't cost one. No path: a stream that isn't open.
std::ofstream open_output(const std::string& path) {
  std::ofstream out;
  if (path.empty()) return out;
  out.open(path, std::ios::binary);
  if (!out) throw CommandError(exit_usage, "can't write '" + path + "'");
  return out;
}

void finish(std::ofstream& out, const std::string& path) {
  if (out.is_open() && !out.flush()) {
    throw CommandError(exit_output, "can't write all of '" + path + "': is the disk full?");
  }
}

int evaluate(const EvaluateOptions& options) {
  const Session session(options.model);
  const std::vector<std::string>& labels = session.labels();
  const auto images = labelled_images(options.folder, options.list, options.negatives, labels);
  std::ofstream predictions = open_output(options.predictions);
  if (predictions.is_open()) predictions << "truth," << csv_header(labels);
  std::ofstream report = open_output(options.report);
  Evaluation evaluation;
  {
    Progress progress(images.size(), !options.run.no_progress);
    const auto seen = [&](const Record& record) {
      const Verdict& verdict = record.verdict;
      if (predictions.is_open()) {
        predictions << csv_field(truth_name(record.truth, labels)) << "," << csv_row(verdict, labels.size());
      }
      if (!verdict.result) {
        progress.hide();
        complain(verdict.path + ": " + catdog_status_name(verdict.result.status()) + ": " + verdict.result.message());
      }
      progress.advance();
    };
    evaluation = evaluate_images(session, images, seen);
  }
  finish(predictions, options.predictions);
  const std::size_t delivered = evaluation.records.size();
  const bool interrupted = delivered < images.size();
  if (evaluation.unreadable == delivered) {
    if (interrupted) return exit_signal;
    throw CommandError(exit_unreadable, "none of the " + std::to_string(delivered) + " images could be read");
  }
  if (interrupted) {
    complain("interrupted: the figures are of the first " + std::to_string(delivered) + " images of " +
             std::to_string(images.size()));
  }
  if (report.is_open()) report << report_page(session, evaluation, images.size());
  finish(report, options.report);
  write_out(options.json ? dump_json(to_json(evaluation, session), 2) : to_table(evaluation, labels));
  if (interrupted) return exit_signal;
  return evaluation.unreadable > 0 ? exit_unreadable : exit_ok;
}

}  // namespace

void add_evaluate(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = app.add_subcommand("evaluate", "Measure a model on labelled images");
  command
      ->add_option(
          "DIR", options->folder,
          "Folder whose sub-folders are named after the labels, in any case; regular, not hidden image files count")
      ->required();
  command->add_option("--list", options->list,
                      "Use only these files: paths relative to DIR, such as cat/1.jpg, one a line");
  command->add_option("--negatives", options->negatives,
                      "Also a folder of images of no label, as the sub-folder 'neither' of DIR would be");
  command->add_option("--predictions", options->predictions, "Also write each image's verdict to this CSV file");
  command->add_option("--report", options->report,
                      "Also write an HTML page with figures, curves and the worst mistakes; it embeds these images");
  command->add_flag("--json", options->json, "One JSON object");
  add_run_options(*command, options->run);
  add_model_options(*command, options->model, true);
  command->footer(R"(
Examples:
  catdog evaluate images/                      images/cat/*.jpg, images/dog/*.jpg
  catdog evaluate images --list test_split.txt --json
  catdog evaluate images --negatives others --predictions verdicts.csv --report report.html)");
  command->callback([options, &exit_code] { exit_code = evaluate(*options); });
}

}  // namespace catdog::cli
