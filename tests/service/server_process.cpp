// SPDX-License-Identifier: Apache-2.0
#include "service/server_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "support/images.hpp"

extern char** environ;

namespace catdog::service_tests {

namespace {

// For servers whose test is not about them.
constexpr const char* long_times[] = {"CATDOG_REQUEST_TIMEOUT_MS=600000", "CATDOG_READ_TIMEOUT_MS=600000",
                                      "CATDOG_WRITE_TIMEOUT_MS=600000", "CATDOG_IDLE_TIMEOUT_MS=600000",
                                      "CATDOG_DRAIN_LIMIT_MS=3600000"};

std::string one_colour(std::initializer_list<std::uint8_t> rgb, int side) {
  test_support::Pixels pixels{side, side, {}};
  for (int i = 0; i < side * side; ++i) pixels.rgb.insert(pixels.rgb.end(), rgb);
  const auto png = test_support::encode_png(pixels);
  return {png.begin(), png.end()};
}

}  // namespace

std::string image(bool cat, int side) { return cat ? one_colour({255, 0, 0}, side) : one_colour({0, 0, 255}, side); }

std::string green_image() { return one_colour({0, 255, 0}, 32); }

std::string slow_image() {
  const auto bytes = test_support::make_black_png(7000, 7000);
  return {bytes.begin(), bytes.end()};
}

test_support::ModelRecipe colour_model() {
  test_support::ModelRecipe recipe;
  recipe.name = "colour";
  recipe.architecture =
      R"({"name":"colour","layers":[{"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":2}]})";
  recipe.edit_weights = [](test_support::Weights& weights) {
    weights["fc.weight"].second = {1, 0, 0, 0, 0, 1};
    weights["fc.bias"].second = {0, 0};
  };
  return recipe;
}

test_support::ModelRecipe colour_model_with_neither() {
  test_support::ModelRecipe recipe = colour_model();
  recipe.architecture =
      R"({"name":"colour","layers":[{"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":3}]})";
  recipe.edit_weights = [](test_support::Weights& weights) {
    weights["fc.weight"].second = {1, 0, 0, 0, 0, 1, -9, 9, -9};
    weights["fc.bias"].second = {0, 0, 0};
  };
  recipe.json_patch = R"({"calibration": {"neither": {"output": 2, "above": 0.5}, "curve": [
    {"abstain_below": 0.0, "precision": 0.9, "coverage": 1.0},
    {"abstain_below": 0.9995, "precision": 0.99, "coverage": 0.5}]}})";
  return recipe;
}

ServerProcess::ServerProcess() {
  std::string pattern = (fs::temp_directory_path() / "catdog-server-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  write_model(colour_model());
}

ServerProcess::~ServerProcess() {
  if (running()) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  fs::remove_all(folder_);
}

void ServerProcess::write(const std::string& name, const std::string& bytes) const {
  fs::create_directories((folder_ / name).parent_path());
  std::ofstream(folder_ / name, std::ios::binary) << bytes;
}

void ServerProcess::write_model(const test_support::ModelRecipe& recipe) const {
  const auto archive = test_support::make_model_archive(recipe);
  write("model.pt", {archive.begin(), archive.end()});
}

void ServerProcess::start(const std::vector<std::string>& flags, const std::vector<std::string>& environment,
                          bool wait_ready) {
  std::vector<std::string> arguments{
      CATDOG_SERVER, "--port", "0", "--admin-port", "0", "--port-file", (folder_ / "ports").string()};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::vector<std::string> variables{"MODEL_PATH=" + (folder_ / "model.pt").string()};
  variables.insert(variables.end(), environment.begin(), environment.end());
  variables.insert(variables.end(), std::begin(long_times), std::end(long_times));  // The first of a name counts.
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::string_view(*entry).substr(0, 7) != "CATDOG_") variables.emplace_back(*entry);
  }
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  const std::string log_path = (folder_ / "log").string();
  fs::remove(folder_ / "ports");
  port_ = admin_port_ = 0;
  exit_code_ = -1000;
  pid_ = fork();
  if (pid_ == 0) {
    const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    dup2(log, STDERR_FILENO);
    dup2(log, STDOUT_FILENO);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  if (!wait_ready) return;
  bool ready = false;
  eventually([&] {
    read_ports();
    ready = port_ != 0 && ask(port_, "GET", "/health/ready").status == 200;
    return ready || !running();
  });
  if (!ready) throw std::runtime_error("the server is not ready: " + log());
}

void ServerProcess::read_ports() {
  std::ifstream in(folder_ / "ports");
  std::string api;
  std::string admin;
  if (!(in >> api >> admin)) return;
  port_ = static_cast<std::uint16_t>(std::stoi(api.substr(4)));
  admin_port_ = static_cast<std::uint16_t>(std::stoi(admin.substr(6)));
}

void ServerProcess::signal(int number) const { kill(pid_, number); }

bool ServerProcess::running() {
  if (pid_ < 0 || exit_code_ != -1000) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return false;
}

int ServerProcess::wait() {
  EXPECT_TRUE(eventually([this] { return !running(); })) << "the server still runs";
  return exit_code_;
}

std::string ServerProcess::log() const {
  if (!fs::is_regular_file(folder_ / "log")) return "";
  std::ifstream in(folder_ / "log");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

double metric(std::uint16_t port, const std::string& series) {
  std::istringstream lines(ask(port, "GET", "/metrics").body);
  for (std::string line; std::getline(lines, line);) {
    if (line.substr(0, series.size() + 1) == series + " ") return std::stod(line.substr(series.size() + 1));
  }
  return -1;
}

bool metric_becomes(std::uint16_t port, const std::string& series, double value) {
  return eventually([&] { return metric(port, series) == value; });
}

BusyWorker::BusyWorker(std::uint16_t port) : client_(port) {
  client_.send(make_request("POST", "/predict", form(std::vector<std::string>(500, slow_image())), form_type));
  if (!metric_becomes(port, "workers_busy", 1)) throw std::runtime_error("the worker is not busy");
}

ServerProcess* SharedServer::server_ = nullptr;

void SharedServer::SetUpTestSuite() {
  server_ = new ServerProcess;
  server_->start({"--max-pictures", "4", "--max-body-bytes", "2000000", "--max-pixels", "200000"});
}

void SharedServer::TearDownTestSuite() {
  delete server_;
  server_ = nullptr;
}

}  // namespace catdog::service_tests
