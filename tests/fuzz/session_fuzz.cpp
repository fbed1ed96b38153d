// SPDX-License-Identifier: Apache-2.0
// A connection over a socket pair, with every route and a small model behind it; the input is what a client sends.
// Whatever that is: the connection ends, answers look like answers, nothing fails inside, and all memory is given back.
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "handlers/handlers.hpp"
#include "session.hpp"
#include "support/model_maker.hpp"

namespace {

using namespace catdog::service;

Config small_config() {
  catdog::test_support::ModelRecipe recipe;
  recipe.width = recipe.height = 16;
  const catdog::test_support::Bytes model = catdog::test_support::make_model_archive(recipe);
  Config config;
  config.model = "/tmp/catdog_session_fuzz_" + std::to_string(getpid()) + ".pt";
  std::ofstream(config.model, std::ios::binary)
      .write(reinterpret_cast<const char*>(model.data()), static_cast<std::streamsize>(model.size()));
  config.admin_token = "t";
  config.feedback_key = std::string(32, 'k');
  config.max_body_bytes = 32 * 1024;
  config.max_queue_bytes = 48 * 1024;
  config.max_decode_bytes = 4 << 20;
  config.log_level = "error";
  return config;
}

// The server without its listeners and signals.
struct Served {
  Served() : service(small_config()), port{service, std::chrono::seconds(10), {}, {}} {
    add_state_metrics(service);
    add_api(port.router, service);
    add_admin(port.router, service);
    add_operation(port.router, service);
    asio::co_spawn(io, service.models.load(), [](const std::exception_ptr& failure, const ModelPtr& model) {
      if (failure || !model) std::abort();
    });
    io.run();
    service.queue.start(1);
    service.ready = true;
  }
  ~Served() {
    service.models.finish();
    service.queue.stop();
    unlink(service.config.model.c_str());
  }

  // What the client receives.
  std::string serve(std::string_view sent) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::abort();
    bool ended = false;
    begin(ends[0], ended);
    std::string received;
    bool closed = false;
    while (!ended) {
      const ssize_t took = send(ends[1], sent.data(), sent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      sent.remove_prefix(took >= 0 ? static_cast<std::size_t>(took) : errno == EAGAIN ? 0 : sent.size());
      char piece[16 * 1024];
      const ssize_t got = recv(ends[1], piece, sizeof piece, MSG_DONTWAIT);
      if (got > 0 && received.size() < sizeof piece) received.append(piece, static_cast<std::size_t>(got));
      io.restart();
      const bool idle = io.poll() == 0 && got <= 0 && sent.empty() && service.metrics.in_flight.Value() == 0;
      // All is answered. A client that closed earlier would take its request back.
      if (idle && !closed) closed = shutdown(ends[1], SHUT_WR) == 0;
    }
    close(ends[1]);
    io.restart();
    io.poll();  // Cancelled timers hold the session.
    return received;
  }

  void begin(int descriptor, bool& ended) {
    tcp::socket socket(io);
    socket.assign(tcp::v4(), descriptor);  // It is only read from and written to.
    const auto session = std::make_shared<Session>(std::move(socket), port);
    asio::co_spawn(io, session->run(), [session, &ended](const std::exception_ptr& failure) {
      if (failure) std::abort();
      ended = true;
    });
  }

  asio::io_context io;
  Service service;
  Port port;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Served served;
  const std::string received = served.serve({reinterpret_cast<const char*>(data), size});
  if (!received.empty() && received.rfind("HTTP/1.", 0) != 0) std::abort();
  if (received.rfind("HTTP/1.1 500", 0) == 0) std::abort();
  if (!served.port.sessions.empty() || served.service.bodies.used() != 0 || served.service.decoding.used() != 0) {
    std::abort();
  }
  return 0;
}
