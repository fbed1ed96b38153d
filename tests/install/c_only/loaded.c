/* SPDX-License-Identifier: Apache-2.0 */
/* loaded IMAGE: the library through dlopen(), closed and opened again. */
#include <catdog/catdog.h>
#include <dlfcn.h>
#include <stdio.h>

#define FUNCTION(name) __typeof__(&name) my_##name = (__typeof__(&name))dlsym(library, #name)

static int classify(const char* path) {
  void* library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  FUNCTION(catdog_classifier_open_file);
  FUNCTION(catdog_classifier_classify_file);
  FUNCTION(catdog_classifier_destroy);
  FUNCTION(catdog_result_answer);
  FUNCTION(catdog_result_destroy);
  catdog_classifier* classifier = NULL;
  catdog_result* result = NULL;
  if (my_catdog_classifier_open_file(&classifier, NULL, NULL) != CATDOG_OK ||
      my_catdog_classifier_classify_file(&result, classifier, path) != CATDOG_OK) {
    return 2;
  }
  printf("%s\n", my_catdog_result_answer(result, 0));
  my_catdog_result_destroy(result);
  my_catdog_classifier_destroy(classifier);
  return dlclose(library);
}

int main(int argc, char** argv) {
  if (argc != 2) return 3;
  const int first = classify(argv[1]);
  return first != 0 ? first : classify(argv[1]);
}
