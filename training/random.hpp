// SPDX-License-Identifier: Apache-2.0
// Random numbers that depend on a seed and a purpose alone.
#pragma once

#include <cmath>
#include <cstdint>

namespace catdog::training {

// A deterministic 64-bit generator for one purpose: the same (seed, stream) gives the same numbers on every thread.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : state_(mix(seed + 0x9E3779B97F4A7C15ULL * (stream + 1))) {}
  std::uint64_t bits() {  // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    state_ += 0x9E3779B97F4A7C15ULL;
    return mix(state_);
  }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }  // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  std::uint64_t below(std::uint64_t n) { return static_cast<std::uint64_t>(uniform() * static_cast<double>(n)); }
  double normal() {  // Mean 0, deviation 1 (Box and Muller 1958).
    constexpr double two_pi = 6.28318530717958648;
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(two_pi * uniform());
  }

  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace catdog::training
