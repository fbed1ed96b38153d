// SPDX-License-Identifier: Apache-2.0
// catdog_service_bench: how near the service comes to the bare library, and what it does beyond its capacity. All on
// 127.0.0.1.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>

#include "modes.hpp"

int main(int argc, char** argv) {
  catdog::bench::Settings settings;
  settings.model = CATDOG_SOURCE_DIR "/models/best_model.pt";
  std::string folder = CATDOG_SOURCE_DIR "/examples/images";
  std::vector<std::uint16_t> ports;
  int connections = 8;
  CLI::App app("catdog-server next to what bounds it; by default its speed, as ratios of interleaved measurements");
  app.add_option("--model", settings.model, "Model file")->capture_default_str();
  app.add_option("--pictures", folder, "Folder of images")->capture_default_str();
  app.add_option("--workers", settings.workers, "Workers of the server, threads of the bare loop")
      ->capture_default_str();
  app.add_option("--repetitions", settings.repetitions, "Of each measurement")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "Of each measurement")->capture_default_str();
  app.add_flag("--form", settings.form, "Send forms instead of bare images");
  bool overload = false;
  bool slow = false;
  bool memory = false;
  CLI::Option_group* mode = app.add_option_group("mode");
  mode->add_flag("--overload", overload, "Five times the capacity, with deadlines");
  mode->add_flag("--slow-clients", slow, "500 clients that send a byte at a time beside a healthy one");
  mode->add_flag("--memory", memory, "20,000 mixed images");
  mode->add_option("--against", ports,
                   "Ask the servers on these ports of 127.0.0.1, as fast as they answer; prints JSON");
  mode->require_option(0, 1);
  app.add_option("--connections", connections, "With --against: connections, kept alive")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    settings.images = catdog::bench::read_images(folder);
    bool kept = false;
    if (!ports.empty()) {
      kept = catdog::bench::against(settings, ports, connections);
    } else if (overload) {
      kept = catdog::bench::overload(settings);
    } else if (slow) {
      kept = catdog::bench::slow_clients(settings);
    } else if (memory) {
      kept = catdog::bench::memory(settings);
    } else {
      kept = catdog::bench::compare_speed(settings);
    }
    return kept ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "catdog_service_bench: %s\n", error.what());
    return 2;
  }
}
