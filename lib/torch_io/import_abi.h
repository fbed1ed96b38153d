/* SPDX-License-Identifier: Apache-2.0 */
/* The importer inside libcatdog-torch.so, as the catdog command finds it with dlsym. */
#ifndef CATDOG_TORCH_IO_IMPORT_ABI_H
#define CATDOG_TORCH_IO_IMPORT_ABI_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads the PyTorch checkpoint and writes the model file. `catdog_json_template` is the text of a catdog.json in which
 * format, format_version and golden may be missing. Returns 0 or a catdog_status; then `error` holds the reason,
 * cut to error_size bytes with the final zero. */
#define CATDOG_TORCH_IMPORT_V1 "catdog_torch_import_v1"
typedef int (*catdog_torch_import_v1_fn)(const char* checkpoint_path, const char* catdog_json_template,
                                         const char* output_path, char* error, size_t error_size);
__attribute__((visibility("default"))) int catdog_torch_import_v1(const char* checkpoint_path,
                                                                  const char* catdog_json_template,
                                                                  const char* output_path, char* error,
                                                                  size_t error_size);

#ifdef __cplusplus
}
#endif

#endif
