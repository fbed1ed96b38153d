/* SPDX-License-Identifier: Apache-2.0
 * What libcatdog-torch.so gives to libcatdog.so. Plain C, so that the two may be built with different compilers and
 * language levels. Not installed. */
#ifndef CATDOG_TORCH_PLUGIN_ABI_H
#define CATDOG_TORCH_PLUGIN_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CATDOG_TORCH_PLUGIN_VERSION 1
#define CATDOG_TORCH_PLUGIN_SYMBOL "catdog_torch_plugin_v1"

typedef struct catdog_torch_module catdog_torch_module;

/* Results: CATDOG_OK or a catdog_status; the reason is written to `error`, cut off to `error_size` bytes. */
typedef struct catdog_torch_plugin {
  uint32_t version; /* CATDOG_TORCH_PLUGIN_VERSION. */
  uint32_t struct_size;
  /* Loads a TorchScript archive from memory (borrowed for the call) and runs it once to check that a 1×3×height×width
   * float32 input gives 1×classes. */
  int32_t (*create)(catdog_torch_module** out, const void* archive, size_t size, int32_t height, int32_t width,
                    int32_t classes, char* error, size_t error_size);
  /* Thread-safe. `input` is 3×height×width, `logits` has `classes` values. */
  int32_t (*run)(const catdog_torch_module* module, const float* input, float* logits, char* error, size_t error_size);
  void (*destroy)(catdog_torch_module* module);
} catdog_torch_plugin;

/* The one exported function, named by CATDOG_TORCH_PLUGIN_SYMBOL. Static storage. */
typedef const catdog_torch_plugin* (*catdog_torch_plugin_function)(void); /* NOLINT(modernize-redundant-void-arg) */

#ifdef __cplusplus
}
#endif
#endif
