/* SPDX-License-Identifier: Apache-2.0 */
/* linked IMAGE: classifies it in a forked child, which opens its own classifier, and then in the parent. */
#include <catdog/catdog.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int classify(const char* path) {
  catdog_classifier* classifier = NULL;
  catdog_result* result = NULL;
  if (catdog_classifier_open_file(&classifier, NULL, NULL) != CATDOG_OK ||
      catdog_classifier_classify_file(&result, classifier, path) != CATDOG_OK) {
    fprintf(stderr, "%s\n", catdog_last_error());
    return 1;
  }
  printf("%s\n", catdog_result_answer(result, 0));
  fflush(stdout);
  catdog_result_destroy(result);
  catdog_classifier_destroy(classifier);
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const pid_t child = fork();
  if (child == 0) _exit(classify(argv[1]));
  int status = 1;
  waitpid(child, &status, 0);
  return status != 0 ? 3 : classify(argv[1]);
}
