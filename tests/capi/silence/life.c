/* SPDX-License-Identifier: Apache-2.0
 * life IMAGE MODEL SIGNATURE KEY: calls each function of the C interface, each between two calls of access() that
 * trace_test.py finds in the trace. Fails when a call changed what belongs to the process. */
#define _GNU_SOURCE
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catdog/catdog.h"

extern char** environ;

/* What belongs to the process. */
typedef struct state {
  char folder[4096];
  char locale[1024];
  char variables[65536];
  mode_t mask;
  void (*handlers[65])(int);
  int flags[65];
  int blocked[65];
  int rounding;
  int control; /* Of the x87 unit. */
  unsigned mxcsr;
} state;

static void look(state* s) {
  size_t used = 0;
  int number;
  char** variable;
  sigset_t blocked;
  fenv_t floats;
  memset(s, 0, sizeof *s);
  if (getcwd(s->folder, sizeof s->folder) == NULL) abort();
  strncpy(s->locale, setlocale(LC_ALL, NULL), sizeof s->locale - 1);
  for (variable = environ; *variable != NULL && used + strlen(*variable) < sizeof s->variables - 1; ++variable) {
    strcpy(s->variables + used, *variable);
    used += strlen(*variable) + 1;
  }
  s->mask = umask(0);
  umask(s->mask);
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  for (number = 1; number < 65; ++number) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigaction(number, NULL, &action);
    s->handlers[number] = action.sa_handler;
    s->flags[number] = action.sa_flags;
    s->blocked[number] = sigismember(&blocked, number);
  }
  s->rounding = fegetround();
  fegetenv(&floats);
#ifdef __x86_64__
  s->control = floats.__control_word;
  s->mxcsr = floats.__mxcsr & 0xFFC0U; /* Without the flags: float_environment_test.cpp looks at these. */
#endif
}

static const char* current;

static void begin(const char* name) {
  char marker[128];
  current = name;
  snprintf(marker, sizeof marker, "/catdog-call/%s", name);
  if (access(marker, F_OK) == 0) abort();
}

static state before;

static void finish(int ok) {
  state after;
  if (access("/catdog-call/", F_OK) == 0) abort();
  look(&after);
  if (!ok) {
    fprintf(stderr, "%s failed: %s\n", current, catdog_last_error());
    exit(1);
  }
  if (memcmp(&before, &after, sizeof before) != 0) {
    fprintf(stderr, "%s changed the process's state\n", current);
    exit(1);
  }
}

#define CALL(name, expression) \
  do {                         \
    begin(name);               \
    finish(expression);        \
  } while (0)

static char* read_all(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  char* bytes;
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) abort();
  *size = (size_t)ftell(file);
  rewind(file);
  bytes = malloc(*size + 1);
  if (bytes == NULL || fread(bytes, 1, *size, file) != *size) abort();
  bytes[*size] = 0;
  fclose(file);
  return bytes;
}

static void log_nothing(void* user_data, catdog_log_level level, const char* message) {
  (void)level;
  (void)message;
  ++*(int*)user_data;
}

int main(int argc, char** argv) {
  const char* image = argv[1];
  const char* model = argv[2];
  size_t image_size = 0;
  size_t model_size = 0;
  size_t signature_size = 0;
  char* image_bytes;
  char* model_bytes;
  char* signature;
  int messages = 0;
  int64_t integer = 0;
  int32_t width = 0;
  double number = 0;
  catdog_options* options = NULL;
  catdog_classifier* classifier = NULL;
  catdog_classifier* other = NULL;
  catdog_result* result = NULL;
  catdog_stream* stream = NULL;
  catdog_explanation* explanation = NULL;
  unsigned char drawing[3 * 16 * 16];
  catdog_image images[2];
  static unsigned char pixels[64 * 64 * 3];

  if (argc != 5) return 2;
  image_bytes = read_all(image, &image_size);
  model_bytes = read_all(model, &model_size);
  signature = read_all(argv[3], &signature_size);
  memset(images, 0, sizeof images);
  images[0].data = image_bytes;
  images[0].data_size = image_size;
  images[1].format = CATDOG_FORMAT_RGB8;
  images[1].data = pixels;
  images[1].data_size = sizeof pixels;
  images[1].width = images[1].height = 64;
  /* Not the defaults. */
  setlocale(LC_ALL, "C.UTF-8");
  umask(027);
  signal(SIGPIPE, SIG_IGN);
  fesetround(FE_UPWARD);
  look(&before);

  CALL("catdog_version", catdog_version() != NULL);
  CALL("catdog_abi_version", catdog_abi_version() > 0);
  CALL("catdog_status_name", catdog_status_name(CATDOG_ERROR_IO) != NULL);
  CALL("catdog_reason_name", catdog_reason_name(CATDOG_REASON_LABEL) != NULL);
  CALL("catdog_last_error", catdog_last_error() != NULL);
  CALL("catdog_options_create", catdog_options_create(&options) == CATDOG_OK);
  CALL("catdog_options_set_int", catdog_options_set_int(options, CATDOG_OPTION_THREADS, 2) == CATDOG_OK);
  CALL("catdog_options_get_int", catdog_options_get_int(&integer, options, CATDOG_OPTION_THREADS) == CATDOG_OK);
  CALL("catdog_options_set_double", catdog_options_set_double(options, CATDOG_OPTION_ABSTAIN_BELOW, 0.5) == CATDOG_OK);
  CALL("catdog_options_get_double",
       catdog_options_get_double(&number, options, CATDOG_OPTION_ABSTAIN_BELOW) == CATDOG_OK);
  CALL("catdog_options_set_log",
       catdog_options_set_log(options, CATDOG_LOG_DEBUG, log_nothing, &messages) == CATDOG_OK);
  CALL("catdog_options_set_string", catdog_options_set_string(options, CATDOG_OPTION_ENGINE, "native") == CATDOG_OK);

  /* The default model, a named file, a file with its signature, and bytes. */
  CALL("catdog_classifier_open_file/default", catdog_classifier_open_file(&other, NULL, NULL) == CATDOG_OK);
  CALL("catdog_classifier_destroy", (catdog_classifier_destroy(other), 1));
  CALL("catdog_classifier_open_file/missing",
       catdog_classifier_open_file(&other, "/nowhere/model.pt", options) == CATDOG_ERROR_NOT_FOUND);
  CALL("catdog_options_set_string/key",
       catdog_options_set_string(options, CATDOG_OPTION_TRUSTED_KEY, argv[4]) == CATDOG_OK);
  CALL("catdog_classifier_open_file/signed", catdog_classifier_open_file(&classifier, model, options) == CATDOG_OK);
  CALL("catdog_options_set_string/signature",
       catdog_options_set_string(options, CATDOG_OPTION_SIGNATURE, signature) == CATDOG_OK);
  CALL("catdog_classifier_open_memory",
       catdog_classifier_open_memory(&other, model_bytes, model_size, options) == CATDOG_OK);
  CALL("catdog_classifier_destroy", (catdog_classifier_destroy(other), 1));
  CALL("catdog_options_destroy", (catdog_options_destroy(options), 1));
  CALL("catdog_classifier_label_count", catdog_classifier_label_count(classifier) == 2);
  CALL("catdog_classifier_label", catdog_classifier_label(classifier, 0) != NULL);
  CALL("catdog_classifier_info", catdog_classifier_info(classifier, CATDOG_INFO_ENGINE) != NULL);
  CALL("catdog_classifier_integer", catdog_classifier_integer(classifier, CATDOG_INFO_THREADS) == 2);
  CALL("catdog_classifier_number", catdog_classifier_number(classifier, CATDOG_INFO_ABSTAIN_BELOW) == 0.5);
  CALL("catdog_classifier_warm_up", catdog_classifier_warm_up(classifier, 0) == CATDOG_OK);

  CALL("catdog_classifier_probe_encoded",
       catdog_classifier_probe_encoded(NULL, &width, NULL, NULL, classifier, image_bytes, image_size) == CATDOG_OK);
  CALL("catdog_classifier_classify_file", catdog_classifier_classify_file(&result, classifier, image) == CATDOG_OK);
  CALL("catdog_result_count", catdog_result_count(result) == 1);
  CALL("catdog_result_status", catdog_result_status(result, 0) == CATDOG_OK);
  CALL("catdog_result_message", catdog_result_message(result, 0) != NULL);
  CALL("catdog_result_answer", catdog_result_answer(result, 0) != NULL);
  CALL("catdog_result_reason", catdog_result_reason(result, 0) != CATDOG_REASON_NONE);
  CALL("catdog_result_label", catdog_result_label(result, 0) != NULL);
  CALL("catdog_result_confidence", catdog_result_confidence(result, 0) > 0);
  CALL("catdog_result_abstained", catdog_result_abstained(result, 0) >= 0);
  CALL("catdog_result_format", catdog_result_format(result, 0) != NULL);
  CALL("catdog_result_measure", catdog_result_measure(result, 0, CATDOG_MEASURE_WIDTH) > 0);
  CALL("catdog_result_ranked", catdog_result_ranked(result, 0, 0, &width, &number) == CATDOG_OK);
  CALL("catdog_result_destroy", (catdog_result_destroy(result), 1));
  CALL("catdog_classifier_classify_file/missing",
       catdog_classifier_classify_file(&result, classifier, "/nowhere/pet.jpg") == CATDOG_ERROR_NOT_FOUND);
  CALL("catdog_classifier_classify_encoded",
       catdog_classifier_classify_encoded(&result, classifier, image_bytes, image_size) == CATDOG_OK);
  catdog_result_destroy(result);
  CALL("catdog_classifier_classify_encoded/damaged",
       catdog_classifier_classify_encoded(&result, classifier, image_bytes, image_size / 2) == CATDOG_ERROR_CORRUPT);
  CALL("catdog_classifier_classify_image",
       catdog_classifier_classify_image(&result, classifier, &images[1]) == CATDOG_OK);
  catdog_result_destroy(result);
  CALL("catdog_classifier_classify_batch",
       catdog_classifier_classify_batch(&result, classifier, images, 2) == CATDOG_OK);
  catdog_result_destroy(result);

  CALL("catdog_classifier_explain_file",
       catdog_classifier_explain_file(&explanation, classifier, image, -1) == CATDOG_OK);
  catdog_explanation_destroy(explanation);
  CALL("catdog_classifier_explain", catdog_classifier_explain(&explanation, classifier, &images[0], 0) == CATDOG_OK);
  CALL("catdog_explanation_label", catdog_explanation_label(explanation) == 0);
  CALL("catdog_explanation_rows", catdog_explanation_rows(explanation) > 0);
  CALL("catdog_explanation_columns", catdog_explanation_columns(explanation) > 0);
  CALL("catdog_explanation_map", catdog_explanation_map(explanation) != NULL);
  CALL("catdog_explanation_result", catdog_explanation_result(explanation) != NULL);
  CALL("catdog_explanation_draw", catdog_explanation_draw(explanation, drawing, 16, 16, 0) == CATDOG_OK);
  CALL("catdog_explanation_destroy", (catdog_explanation_destroy(explanation), 1));

  CALL("catdog_stream_create", catdog_stream_create(&stream, classifier) == CATDOG_OK);
  CALL("catdog_stream_add_file", catdog_stream_add_file(stream, image) == CATDOG_OK);
  CALL("catdog_stream_add_image", catdog_stream_add_image(stream, &images[0]) == CATDOG_OK);
  CALL("catdog_stream_room", catdog_stream_room(stream) > 0);
  CALL("catdog_stream_ready", catdog_stream_ready(stream) >= 0);
  CALL("catdog_stream_take", catdog_stream_take(&result, stream) == CATDOG_OK);
  catdog_result_destroy(result);
  CALL("catdog_stream_destroy", (catdog_stream_destroy(stream), 1));
  CALL("catdog_classifier_destroy", (catdog_classifier_destroy(classifier), 1));

  if (messages == 0) return 3; /* The log function was not called: then the silence means little. */
  free(image_bytes);
  free(model_bytes);
  free(signature);
  return 0;
}
