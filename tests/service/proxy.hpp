// SPDX-License-Identifier: Apache-2.0
// What stands before the service in a cluster, small: kept-alive connections to clients and to the instances behind it,
// new requests only for an instance that says it is ready, `Connection: close` honoured. Requests go to the instances
// in turn, and none is sent twice: what an instance loses, the client sees as 502.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <list>
#include <thread>
#include <vector>

namespace catdog::service_tests {

class Proxy {
 public:
  explicit Proxy(const std::vector<std::uint16_t>& instances);
  ~Proxy();  // Its clients must be gone.
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::uint16_t port() const { return port_; }
  bool is_ready(std::size_t instance) const { return instances_[instance].ready; }
  // Where an instance listens after its restart.
  void set_port(std::size_t instance, std::uint16_t port);

 private:
  using Tcp = boost::asio::ip::tcp;
  struct Instance {
    std::atomic<std::uint16_t> port{0};
    std::atomic<bool> ready{false};
    std::atomic<int> generation{0};  // How often it became ready: connections to its predecessor are of no use.
  };
  struct Upstream;

  void accept();
  void serve(Tcp::socket client);
  void probe();
  std::size_t choose();

  boost::asio::io_context io_;
  Tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::vector<Instance> instances_;
  std::atomic<std::size_t> turn_{0};
  std::atomic<bool> stop_{false};
  std::list<std::thread> clients_;  // One thread a client connection; only accept() adds to it.
  std::thread prober_;
  std::thread accepter_;
};

}  // namespace catdog::service_tests
