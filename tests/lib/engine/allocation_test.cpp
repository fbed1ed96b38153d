// SPDX-License-Identifier: Apache-2.0
// run() allocates nothing. oneDNN keeps a small table of arguments for each primitive it executes, from inside
// libdnnl.so: those are told apart by the caller's address and must be freed again.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "engine/cpu_features.hpp"
#include "engine/engine.hpp"
#include "engine/native/native_engine.hpp"
#include "lib/engine/networks.hpp"

namespace {

thread_local bool counting = false;
thread_local int own_allocations = 0;
thread_local int library_allocations = 0;

void count(const void* caller) {
  if (!counting) return;
  counting = false;  // dladdr() may allocate.
  Dl_info info{};
  const bool in_dnnl =
      dladdr(caller, &info) != 0 && info.dli_fname != nullptr && std::strstr(info.dli_fname, "libdnnl") != nullptr;
  ++(in_dnnl ? library_allocations : own_allocations);
  counting = true;
}

void* allocate(std::size_t size, std::size_t alignment) {
  void* memory = nullptr;
  if (alignment <= alignof(std::max_align_t)) {
    memory = std::malloc(size == 0 ? 1 : size);
  } else if (posix_memalign(&memory, alignment, size == 0 ? 1 : size) != 0) {
    memory = nullptr;
  }
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  count(__builtin_return_address(0));
  return allocate(size, 1);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  count(__builtin_return_address(0));
  return allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace catdog {
namespace {

class Allocation : public testing::TestWithParam<core::Precision> {};

TEST_P(Allocation, RunAllocatesNothingPerImage) {
  if (GetParam() == core::Precision::bf16 && !core::cpu_has_fast_bf16()) GTEST_SKIP() << "this CPU has no bf16";
  if (GetParam() == core::Precision::int8 && !core::cpu_has_fast_int8()) GTEST_SKIP() << "this CPU has no int8";
  test_support::ModelRecipe recipe;
  recipe.json_patch = test_support::ranges_patch(std::vector<double>(7, 10));  // One for each layer.
  const auto engine = core::create_native_engine(test_support::model_for(recipe), GetParam());
  const auto context = engine->create_context();
  test_support::fill(context->input(), test_support::random_image(32, 32, 1));
  std::vector<float> logits(2);
  for (int i = 0; i < 3; ++i) context->run(logits);  // Warm-up.

  constexpr int images = 1000;
  own_allocations = 0;
  library_allocations = 0;
  const auto before = mallinfo2().uordblks;
  counting = true;
  for (int i = 0; i < images; ++i) context->run(logits);
  counting = false;
  EXPECT_EQ(own_allocations, 0);
  EXPECT_EQ(mallinfo2().uordblks, before);
  RecordProperty("onednn_allocations_per_picture", library_allocations / images);

  counting = true;  // The counter does count.
  const auto another = engine->create_context();
  counting = false;
  EXPECT_GT(own_allocations, 0);
}

INSTANTIATE_TEST_SUITE_P(All, Allocation,
                         testing::Values(core::Precision::fp32, core::Precision::bf16, core::Precision::int8),
                         [](const auto& info) { return core::precision_name(info.param); });

}  // namespace
}  // namespace catdog
