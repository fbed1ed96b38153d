/* SPDX-License-Identifier: Apache-2.0 */
/* The library is silent unless it is told where its messages go: here into a file, with a count. */
#include <catdog/catdog.h>
#include <stdio.h>

struct log {
  FILE* file;
  int lines;
};

/* May be called from any thread that uses the classifier; this program has one. */
static void write_line(void* user_data, catdog_log_level level, const char* message) {
  struct log* log = user_data;
  fprintf(log->file, "%s: %s\n", level >= CATDOG_LOG_WARNING ? "warning" : "info", message);
  ++log->lines;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s LOG IMAGE\n", argv[0]);
    return 2;
  }
  struct log log = {fopen(argv[1], "w"), 0};
  if (log.file == NULL) {
    perror(argv[1]);
    return 1;
  }
  catdog_options* options = NULL;
  catdog_classifier* classifier = NULL;
  catdog_result* result = NULL;
  int failed = catdog_options_create(&options) != CATDOG_OK ||
               catdog_options_set_log(options, CATDOG_LOG_DEBUG, write_line, &log) != CATDOG_OK ||
               catdog_classifier_open_file(&classifier, NULL, options) != CATDOG_OK ||
               catdog_classifier_classify_file(&result, classifier, argv[2]) != CATDOG_OK;
  if (failed) {
    fprintf(stderr, "%s\n", catdog_last_error());
  } else {
    printf("%s, %d log lines\n", catdog_result_answer(result, 0), log.lines);
  }
  catdog_result_destroy(result);
  catdog_classifier_destroy(classifier); /* From here on nothing logs, */
  catdog_options_destroy(options);
  fclose(log.file); /* so the file may go. */
  return failed;
}
