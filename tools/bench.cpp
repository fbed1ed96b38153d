// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <utility>

#include "commands.hpp"
#include "inputs.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "session.hpp"

namespace catdog::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct BenchOptions {
  ModelOptions model;
  std::vector<std::string> named;
  double seconds = 2;
  bool json = false;
};

struct Spread {
  double p50 = 0;
  double p99 = 0;
};

// One precision on one number of threads; milliseconds.
struct Row {
  std::string precision;
  int threads = 0;
  std::size_t images = 0;
  double images_per_second = 0;
  std::array<Spread, 4> stages;  // As in stage_names.
};
constexpr std::array<const char*, 4> stage_names = {"decode", "preprocess", "network", "total"};

double elapsed_ms(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

Spread spread_of(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.5), at(0.99)};
}

// A PNG file of smooth colours, for a first impression without a photo.
std::string generated_png() {
  constexpr int width = 640;
  constexpr int height = 480;
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int value : {x * 255 / width, y * 255 / height, (x * y) >> 11}) {
        pixels.push_back(static_cast<std::uint8_t>(value));
      }
    }
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string file(size, '\0');
  if (png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr) == 0) {
    throw CommandError(exit_output, std::string("can't make an image: ") + image.message);
  }
  file.resize(size);
  return file;
}

// 1, 2, 4, … and the number that the library takes by itself.
std::vector<int> thread_counts(int own) {
  std::vector<int> counts;
  for (int count = 1; count < own; count *= 2) counts.push_back(count);
  counts.push_back(own);
  return counts;
}

Row measure(const Session& session, const std::vector<std::string>& paths, const std::string& piped, double seconds) {
  Row row{session.info(CATDOG_INFO_PRECISION), static_cast<int>(session.integer(CATDOG_INFO_THREADS)), 0, 0, {}};
  // Long enough that every thread stays busy, short enough that the time is looked at often.
  const std::size_t turn = 32 * static_cast<std::size_t>(row.threads);
  std::array<std::vector<double>, 4> times;
  std::size_t next = 0;
  std::string unreadable;
  const Clock::time_point start = Clock::now();
  do {
    std::vector<std::string> some;
    for (std::size_t i = 0; i < turn; ++i) some.push_back(paths[next++ % paths.size()]);
    session.classify(
        some,
        [&](const Verdict& verdict) {
          if (!verdict.result.ok()) {
            unreadable = verdict.path + ": " + verdict.result.message();
            return;
          }
          const Timings& spent = verdict.result.timings();
          const std::array<double, 4> each = {spent.decode_ms, spent.preprocess_ms, spent.infer_ms, spent.total_ms};
          for (std::size_t k = 0; k < each.size(); ++k) times[k].push_back(each[k]);
        },
        piped);
    if (!unreadable.empty()) throw CommandError(exit_unreadable, unreadable);
  } while (!interrupted() && elapsed_ms(start) < seconds * 1000);
  const double took = elapsed_ms(start);
  if (interrupted()) throw CommandError(exit_signal, "interrupted");
  row.images = times[0].size();
  row.images_per_second = static_cast<double>(row.images) * 1000 / took;
  for (std::size_t k = 0; k < times.size(); ++k) row.stages[k] = spread_of(times[k]);
  return row;
}

// Why each precision that was asked for isn't among the rows.
struct Missing {
  std::string precision;
  std::string reason;
};

struct Outcome {
  std::vector<Row> rows;
  std::vector<Missing> missing;
};

Outcome measure_all(const BenchOptions& options, const std::vector<int>& threads, const std::vector<std::string>& paths,
                    const std::string& piped) {
  const std::vector<std::string> precisions = options.model.precision == "auto"
                                                  ? std::vector<std::string>{"fp32", "bf16", "int8"}
                                                  : std::vector<std::string>{options.model.precision};
  Outcome outcome;
  for (const std::string& precision : precisions) {
    ModelOptions model = options.model;
    model.precision = precision;
    try {
      for (const int count : threads) {
        model.threads = count;
        const Session session(model);
        session.warm_up();
        outcome.rows.push_back(measure(session, paths, piped, options.seconds));
      }
    } catch (const CommandError& error) {
      // The model can be opened, but not so: this CPU or this file lacks what the precision needs.
      if (error.code() != exit_model || precisions.size() == 1) throw;
      outcome.missing.push_back({precision, error.what()});
    }
  }
  if (outcome.rows.empty()) throw CommandError(exit_model, outcome.missing.front().reason);
  return outcome;
}

const Row& fastest(const std::vector<Row>& rows) {
  return *std::max_element(rows.begin(), rows.end(),
                           [](const Row& a, const Row& b) { return a.images_per_second < b.images_per_second; });
}

const Row& soonest(const std::vector<Row>& rows) {
  return *std::min_element(rows.begin(), rows.end(),
                           [](const Row& a, const Row& b) { return a.stages[3].p50 < b.stages[3].p50; });
}

// What --precision auto takes here.
struct Automatic {
  std::string precision;
  std::string reason;
};

std::string settings_of(const Row& row) {
  return "--precision " + row.precision + " --threads " + std::to_string(row.threads);
}

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 160> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, values...);
  return buffer.data();
}

std::string table_of(const Outcome& outcome, const Automatic& automatic) {
  std::string text = formatted("%-9s %7s %9s", "precision", "threads", "images/s");
  for (const char* stage : stage_names) text += formatted(" %16s", stage);
  text += formatted("\n%-9s %7s %9s", "", "", "");
  for (std::size_t i = 0; i < stage_names.size(); ++i) text += formatted(" %16s", "p50    p99 ms");
  for (const Row& row : outcome.rows) {
    text += formatted("\n%-9s %7d %9.1f", row.precision.c_str(), row.threads, row.images_per_second);
    for (const Spread& stage : row.stages) text += formatted(" %8.2f %7.2f", stage.p50, stage.p99);
  }
  for (const Missing& missing : outcome.missing) {
    text += "\n" + missing.precision + ": " + printable(missing.reason);
  }
  const Row& most = fastest(outcome.rows);
  const Row& first = soonest(outcome.rows);
  text += "\n\nMost images a second:  " + settings_of(most) + formatted(" (%.1f)", most.images_per_second);
  text += "\nShortest single call:  " + settings_of(first) + formatted(" (p50 %.2f ms)", first.stages[3].p50);
  text += "\n--precision auto takes:  " + automatic.precision + " (" + printable(automatic.reason) + ")\n";
  return text;
}

std::string json_of(const Outcome& outcome, const Automatic& automatic) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Row& row : outcome.rows) {
    nlohmann::ordered_json entry = {{"precision", row.precision},
                                    {"threads", row.threads},
                                    {"images", row.images},
                                    {"images_per_second", row.images_per_second}};
    for (std::size_t k = 0; k < row.stages.size(); ++k) {
      entry[std::string(stage_names[k]) + "_ms"] = {{"p50", row.stages[k].p50}, {"p99", row.stages[k].p99}};
    }
    rows.push_back(std::move(entry));
  }
  nlohmann::ordered_json missing = nlohmann::ordered_json::object();
  for (const Missing& each : outcome.missing) missing[each.precision] = each.reason;
  const Row& most = fastest(outcome.rows);
  const Row& first = soonest(outcome.rows);
  return dump_json({{"rows", std::move(rows)},
                    {"missing", std::move(missing)},
                    {"auto", {{"precision", automatic.precision}, {"reason", automatic.reason}}},
                    {"most_images", {{"precision", most.precision}, {"threads", most.threads}}},
                    {"shortest_call", {{"precision", first.precision}, {"threads", first.threads}}}},
                   2);
}

// With the number of threads that the library takes. Closes the model again.
std::pair<Automatic, int> look_at_automatic(ModelOptions model) {
  model.precision = "auto";
  const Session session(model);
  return {{session.info(CATDOG_INFO_PRECISION), session.info(CATDOG_INFO_PRECISION_REASON)},
          static_cast<int>(session.integer(CATDOG_INFO_THREADS))};
}

int bench(const BenchOptions& options) {
  std::vector<std::string> complaints;
  std::vector<std::string> paths = expand_inputs(options.named, false, complaints);
  for (const std::string& complaint : complaints) complain(complaint);
  if (paths.empty() && !options.named.empty()) throw CommandError(exit_usage, "nothing to classify");
  std::string piped;
  if (paths.empty()) {
    complain(
        "no image named: this measures a generated PNG of 640x480. Name photos of your own for figures that count");
    piped = generated_png();
    paths = {"-"};
  }
  const auto [automatic, own] = look_at_automatic(options.model);
  const std::vector<int> threads = options.model.threads ? std::vector<int>{own} : thread_counts(own);
  const Outcome outcome = measure_all(options, threads, paths, piped);
  write_out(options.json ? json_of(outcome, automatic) : table_of(outcome, automatic));
  return exit_ok;
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "Measure every precision and number of threads on this machine");
  command->add_option("PATH", options->named, "Images, or folders of images; default: a generated image");
  command->add_option("--seconds", options->seconds, "How long to measure each setting")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->add_flag("--json", options->json, "The figures as JSON");
  add_model_options(*command, options->model, true);
  command->footer(R"(
Examples:
  catdog bench photos/
  catdog bench --model simple_cnn --seconds 10 --json photos/ | jq .most_images

Times are of one image, images/s of all threads together. --precision and --threads measure that setting alone.)");
  command->callback([options, &exit_code] { exit_code = bench(*options); });
}

}  // namespace catdog::cli
