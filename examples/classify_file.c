/* SPDX-License-Identifier: Apache-2.0 */
/* One image, one answer, and what each failure needs. */
#include <catdog/catdog.h>
#include <stdio.h>

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s IMAGE\n", argv[0]);
    return 2;
  }
  catdog_classifier* classifier = NULL;
  catdog_result* result = NULL;
  catdog_status status = catdog_classifier_open_file(&classifier, NULL, NULL);
  if (status == CATDOG_OK) status = catdog_classifier_classify_file(&result, classifier, argv[1]);
  if (status == CATDOG_OK) {
    printf("%s %.3f\n", catdog_result_answer(result, 0), catdog_result_measure(result, 0, CATDOG_MEASURE_TRUST));
  } else {
    fprintf(stderr, "%s: %s\n", catdog_status_name(status), catdog_last_error());
  }
  catdog_result_destroy(result);
  catdog_classifier_destroy(classifier);
  return status == CATDOG_OK ? 0 : 1;
}
