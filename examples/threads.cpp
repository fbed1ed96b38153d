// SPDX-License-Identifier: Apache-2.0
// One classifier, many threads: no lock, no copy of the model. Each thread takes the next image until none is left.
#include <atomic>
#include <catdog/catdog.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) try {
  const catdog::Classifier classifier = catdog::Classifier::open();
  const int threads = static_cast<int>(classifier.integer(CATDOG_INFO_THREADS));  // As the machine or container grants.
  classifier.warm_up(threads);

  std::atomic<int> next{1};
  std::vector<std::string> rows(argc);
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (int at = next++; at < argc; at = next++) {
        try {
          rows[at] = classifier.classify_file(argv[at]).answer();
        } catch (const std::exception& error) {  // Nothing may leave a thread's function.
          rows[at] = error.what();
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  for (int i = 1; i < argc; ++i) std::printf("%s: %s\n", argv[i], rows[i].c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
