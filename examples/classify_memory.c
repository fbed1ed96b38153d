/* SPDX-License-Identifier: Apache-2.0 */
/* An image and a model that are in memory already, as a server or an archive has them. */
#include <catdog/catdog.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads a whole file; the caller frees it. NULL when that fails. */
static void* read_file(const char* path, size_t* size) {
  void* bytes = NULL;
  long length = 0;
  FILE* file = fopen(path, "rb");
  if (file == NULL) return NULL;
  if (fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) > 0 && fseek(file, 0, SEEK_SET) == 0) {
    bytes = malloc((size_t)length);
    *size = bytes == NULL ? 0 : fread(bytes, 1, (size_t)length, file);
  }
  fclose(file);
  return bytes;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s MODEL IMAGE\n", argv[0]);
    return 2;
  }
  size_t model_size = 0;
  size_t image_size = 0;
  void* model = read_file(argv[1], &model_size);
  void* image = read_file(argv[2], &image_size);
  catdog_classifier* classifier = NULL;
  catdog_result* result = NULL;
  int failed = 1;
  if (model == NULL || image == NULL) {
    fprintf(stderr, "can't read %s\n", model == NULL ? argv[1] : argv[2]);
  } else if (catdog_classifier_open_memory(&classifier, model, model_size, NULL) != CATDOG_OK ||
             catdog_classifier_classify_encoded(&result, classifier, image, image_size) != CATDOG_OK) {
    fprintf(stderr, "%s\n", catdog_last_error());
  } else {
    int32_t label = 0;
    double probability = 0;
    printf("%s\n", catdog_result_answer(result, 0)); /* a label, "neither" or "uncertain"; then the labels: */
    for (int32_t rank = 0; rank < catdog_classifier_label_count(classifier); ++rank) { /* the most probable first */
      if (catdog_result_ranked(result, 0, rank, &label, &probability) != CATDOG_OK) break;
      printf("%s %.3f\n", catdog_classifier_label(classifier, label), probability);
    }
    failed = 0;
  }
  catdog_result_destroy(result);
  catdog_classifier_destroy(classifier);
  free(image);
  free(model);
  return failed;
}
