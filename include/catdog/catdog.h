/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * libcatdog: is it a cat or a dog? The C interface (C99, also valid C++).
 *
 * Usage:
 *
 *   catdog_classifier* classifier = NULL;
 *   catdog_result* result = NULL;
 *   if (catdog_classifier_open_file(&classifier, NULL, NULL) != CATDOG_OK ||
 *       catdog_classifier_classify_file(&result, classifier, "pet.jpg") != CATDOG_OK) {
 *     fprintf(stderr, "catdog: %s\n", catdog_last_error());
 *   } else {
 *     printf("%s %.3f\n", catdog_result_answer(result, 0), catdog_result_measure(result, 0, CATDOG_MEASURE_TRUST));
 *   }
 *   catdog_result_destroy(result);
 *   catdog_classifier_destroy(classifier);
 *
 * The answer is "cat", "dog" or whatever labels the model has; "neither" for an image of something else; "uncertain"
 * when the library can't tell well enough. A program that prints the label instead calls a chair a dog.
 *
 * Threads:
 *   - A classifier never changes after it was opened: any number of threads may use one at once.
 *   - Options, results and streams belong to one thread at a time.
 *   - Destroying an object must not race with another use of it.
 *   - Not fork-safe once a classifier is open: open it after fork(), in the child. A child may only destroy what its
 *     parent opened, which does nothing there.
 *   - The library can't be unloaded: dlclose() leaves it mapped.
 *
 * Conventions:
 *   - A function that can fail returns a catdog_status, takes its output first and sets it to NULL (or leaves numbers
 *     untouched) on failure; the reason is in catdog_last_error() of the same thread.
 *   - Inputs are borrowed for the duration of the call only. Strings are UTF-8, NUL-terminated, and owned by the object
 *     that returned them.
 *   - Every destroy function accepts NULL.
 *   - The calling thread's rounding mode, traps and flush-to-zero don't change an answer, and stay as they were.
 *   - No function throws, prints, aborts or exits. Logging is silent unless catdog_options_set_log() was called.
 *   - Nothing of the process changes: no signal handler, environment variable, working directory, locale or umask. No
 *     network is used, no file is written, and no program is started.
 *   - Besides the files that are asked for, opening a classifier reads the model and its signature, the limits of the
 *     control group (/proc/self/cgroup, /proc/self/mountinfo, files below /sys/fs/cgroup/), the library's own place
 *     (/proc/self/maps), libcrypto's configuration (openssl.cnf), the time zone (/etc/localtime: libzip), and, with
 *     the torch engine, its plug-in.
 *
 * All declarations are available since version 0.1.0 unless they say otherwise.
 */
#ifndef CATDOG_CATDOG_H
#define CATDOG_CATDOG_H

#include <stddef.h>
#include <stdint.h>

#include "catdog/version.h"

/** @def CATDOG_API
 *  On each function of the library. */
#if defined(CATDOG_STATIC)
#define CATDOG_API
#elif defined(__GNUC__)
#define CATDOG_API __attribute__((visibility("default")))
#else
#define CATDOG_API
#endif

/** @def CATDOG_NODISCARD
 *  On each function that returns a status: the compiler warns where it is ignored. */
#if (defined(__cplusplus) && __cplusplus >= 201703L) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define CATDOG_NODISCARD [[nodiscard]]
#elif defined(__GNUC__)
#define CATDOG_NODISCARD __attribute__((warn_unused_result))
#else
#define CATDOG_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Statuses ---------------------------------------------------------------------------------------------------- */

/** Outcome of a call. One of the CATDOG_OK / CATDOG_ERROR_* values; later versions may add values. */
typedef int32_t catdog_status;

enum {
  CATDOG_OK = 0,
  CATDOG_ERROR_INVALID_ARGUMENT = 10,   /**< A NULL, a value out of range, a reserved word that is set. */
  CATDOG_ERROR_UNKNOWN_OPTION = 11,     /**< This version of the library doesn't know that option key. */
  CATDOG_ERROR_NOT_FOUND = 20,          /**< The file doesn't exist. */
  CATDOG_ERROR_IO = 21,                 /**< The file exists and can't be read. */
  CATDOG_ERROR_UNSUPPORTED = 30,        /**< Not a kind of image that this build reads, or no bytes. */
  CATDOG_ERROR_CORRUPT = 31,            /**< An image format that is read, but damaged beyond use. */
  CATDOG_ERROR_LIMIT = 32,              /**< The image breaks one of the limits in the options, or took too long. */
  CATDOG_ERROR_MODEL_FORMAT = 40,       /**< Not a model file, or a damaged one. */
  CATDOG_ERROR_MODEL_VERSION = 41,      /**< The model file is newer than this library. */
  CATDOG_ERROR_MODEL_CHECKSUM = 42,     /**< The model file isn't the one that was expected. */
  CATDOG_ERROR_MODEL_UNSUPPORTED = 43,  /**< A valid model file that no available engine can run as asked. */
  CATDOG_ERROR_ENGINE_UNAVAILABLE = 50, /**< The engine that was asked for isn't installed. */
  CATDOG_ERROR_ENGINE_FAILED = 51,      /**< The engine failed while it was running. */
  CATDOG_ERROR_OUT_OF_MEMORY = 60,      /**< Memory ran out. */
  CATDOG_ERROR_INTERNAL = 70            /**< A defect of the library: please report it. */
};

/** Stable lower-case name of a status, such as "corrupt"; "unknown" for a value this version doesn't know. Static. */
CATDOG_API const char* catdog_status_name(catdog_status status);

/** Why the last failing call of this thread failed: what is wrong and what to do about it. Never NULL; empty when no
 *  call has failed yet. Valid until the next failing call of this thread; successful calls leave it as it is. */
CATDOG_API const char* catdog_last_error(void);

/* ---- Identity ---------------------------------------------------------------------------------------------------- */

/** Version of the library that is loaded, such as "0.1.0" (CATDOG_VERSION is the one compiled against). Static. */
CATDOG_API const char* catdog_version(void);

/** ABI number of the library that is loaded; equals CATDOG_ABI_VERSION for every binary that may use it. */
CATDOG_API int32_t catdog_abi_version(void);

/* ---- Options ----------------------------------------------------------------------------------------------------- */

/** Settings for opening a classifier. May be destroyed or changed afterwards: the classifier has its own copy. */
typedef struct catdog_options catdog_options;

/** Option keys; the comment gives the type, the default and the range. catdog_options_get_int() reads the defaults. */
typedef int32_t catdog_option;

enum {
  /** int: threads of a batch call or a stream, 0 (default) = CPU quota of the control group rounded down, at least 1; ≤
     1024. */
  CATDOG_OPTION_THREADS = 10,
  /** int: run the model file's golden self-test while opening: 1 (default) or 0. */
  CATDOG_OPTION_SELF_TEST = 11,
  /** int: compare the SHA-256 of each weight with the model file's list while opening: 1 or 0 (default). The zip's
     checksums are always compared. */
  CATDOG_OPTION_VERIFY_WEIGHTS = 13,
  /** int: most bytes of one encoded image, ≥ 1; default 32 MiB. */
  CATDOG_OPTION_MAX_ENCODED_BYTES = 20,
  /** int: most pixels of one image, ≥ 1; default 16384 × 16384. */
  CATDOG_OPTION_MAX_PIXELS = 21,
  /** int: longest side of one image in pixels, default 16384, 1..65535. */
  CATDOG_OPTION_MAX_SIDE = 22,
  /** int: most scans of a progressive JPEG, default 200, ≥ 1. */
  CATDOG_OPTION_MAX_SCANS = 23,
  /** int: most bytes of memory that decoding one image may take, default 268435456 (256 MiB), ≥ 1. Known from the
     image's header: see catdog_classifier_probe_encoded(). */
  CATDOG_OPTION_MAX_DECODE_BYTES = 24,
  /** int: milliseconds that one classifying call may take, default 0 = any, ≤ 4294967295. A call that takes longer ends
     with CATDOG_ERROR_LIMIT; in a batch, the images that aren't done then do. Looked at between rows and scans of an
     image and before the network runs, not while a file is read. */
  CATDOG_OPTION_TIMEOUT_MS = 30,
  /** double: the answer is "uncertain" when the trust is below this; default is the model's own; 0..1. */
  CATDOG_OPTION_ABSTAIN_BELOW = 40,
  /** double: the answer is "neither" when that score is above this; default is the model's own; 0..1, 1 = never.
     Without effect on a model that has no such score. */
  CATDOG_OPTION_NEITHER_ABOVE = 41,
  /** double: instead of ABSTAIN_BELOW: the share of answers that must be right. Opening takes the lowest threshold that
     reached it on the model's validation images, one in five of them a stranger; a model that never reached it, or has
     no such figures, is CATDOG_ERROR_MODEL_UNSUPPORTED. Above 0, at most 1. */
  CATDOG_OPTION_MIN_PRECISION = 42,
  /** string: "auto" (default: the native engine), "native" or "torch". "torch" executes the TorchScript program in the
     model file: choose it only for files that you trust. */
  CATDOG_OPTION_ENGINE = 50,
  /** string: "auto" (default), "fp32", "bf16" or "int8". "auto" is int8 where the CPU has AVX512-VNNI or AMX and the
     model file has ranges for it, else bf16 where the CPU has AVX512-BF16 or AMX, else fp32. Where "auto" doesn't take
     int8, asking for it is CATDOG_ERROR_MODEL_UNSUPPORTED. */
  CATDOG_OPTION_PRECISION = 51,
  /** string: 64 hex digits that the model file's SHA-256 must equal, checked before anything is parsed; "" = any. */
  CATDOG_OPTION_EXPECTED_SHA256 = 52,
  /** string: path of libcatdog-torch.so; default "": beside this library, in the folder catdog beside it, then the
     loader's search path. */
  CATDOG_OPTION_TORCH_PLUGIN = 53,
  /** string: a public key of minisign (56 characters, or the text of minisign.pub). The model file must have a
     signature of it, checked before anything is parsed; else CATDOG_ERROR_MODEL_CHECKSUM. "" = any file. */
  CATDOG_OPTION_TRUSTED_KEY = 54,
  /** string: the text of that signature; "" = the file beside the model, named like it with ".minisig" at the end. */
  CATDOG_OPTION_SIGNATURE = 55
};

/** Severity of a log message. */
typedef int32_t catdog_log_level;

enum { CATDOG_LOG_DEBUG = 10, CATDOG_LOG_INFO = 20, CATDOG_LOG_WARNING = 30, CATDOG_LOG_ERROR = 40 };

/** Receives one log message. May be called from any thread that uses the classifier, from several at once. `message` is
 *  borrowed for the call. Must not throw, longjmp or call back into the same classifier. */
typedef void (*catdog_log_function)(void* user_data, catdog_log_level level, const char* message);

/** Creates options that hold the defaults. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_options_create(catdog_options** out);
/** Frees options; classifiers opened with them go on. */
CATDOG_API void catdog_options_destroy(catdog_options* options);

/** Sets one option by key. Unknown keys and keys of another type are CATDOG_ERROR_UNKNOWN_OPTION, values out of range
 *  CATDOG_ERROR_INVALID_ARGUMENT; the option then keeps its value. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_options_set_int(catdog_options* options, catdog_option key,
                                                                 int64_t value);
/** As catdog_options_set_int(), for options that are a double. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_options_set_double(catdog_options* options, catdog_option key,
                                                                    double value);
/** As catdog_options_set_int(), for options that are a string; `value` is copied, NULL is refused. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_options_set_string(catdog_options* options, catdog_option key,
                                                                    const char* value);

/** Reads one integer option: what was set, else the default. `options` NULL: the defaults. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_options_get_int(int64_t* out, const catdog_options* options,
                                                                 catdog_option key);
/** As catdog_options_get_int(), for options that are a double; -1 for one that wasn't set and has no default. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_options_get_double(double* out, const catdog_options* options,
                                                                    catdog_option key);

/** Sends log messages of `level` and above to `function`; NULL makes the library silent again. `user_data` must outlive
 *  every classifier opened with these options. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_options_set_log(catdog_options* options, catdog_log_level level,
                                                                 catdog_log_function function, void* user_data);

/* ---- Classifier -------------------------------------------------------------------------------------------------- */

/** A model that is ready to classify. Immutable; see "Threads" above. */
typedef struct catdog_classifier catdog_classifier;

/** Opens a model file. `path` NULL: the first that exists of the environment variable CATDOG_MODEL, the library's own
 *  folder and the install prefix; the error lists what was tried. A `path` without a slash and without ".pt", such as
 *  "simple_cnn", is the name of a shipped model: that file in the library's own folder or the install prefix.
 *  `options` NULL: the defaults. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_open_file(catdog_classifier** out, const char* path,
                                                                      const catdog_options* options);

/** Opens a model file that is in memory; the bytes are copied as far as they are needed. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_open_memory(catdog_classifier** out, const void* data,
                                                                        size_t size, const catdog_options* options);
/** Closes a classifier; its results stay. Does nothing in a child of the process that opened it. */
CATDOG_API void catdog_classifier_destroy(catdog_classifier* classifier);

/** Runs the model until memory and caches are warm for `threads` callers at once (0: as many as the batch threads). */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_warm_up(const catdog_classifier* classifier,
                                                                    int32_t threads);

/** Number of labels (classes), 0 for NULL. */
CATDOG_API int32_t catdog_classifier_label_count(const catdog_classifier* classifier);

/** Label with that index (0 = "cat", 1 = "dog" in the shipped model); NULL when out of range. Owned by the classifier.
 */
CATDOG_API const char* catdog_classifier_label(const catdog_classifier* classifier, int32_t index);

/** Facts about an open classifier: strings for catdog_classifier_info(), integers for catdog_classifier_integer(),
 *  doubles for catdog_classifier_number(). */
typedef int32_t catdog_info;

enum {
  CATDOG_INFO_MODEL_NAME = 10,
  CATDOG_INFO_MODEL_VERSION = 11,
  CATDOG_INFO_MODEL_SHA256 = 12,     /**< 64 lower-case hex digits. */
  CATDOG_INFO_MODEL_PATH = 13,       /**< "" when opened from memory. */
  CATDOG_INFO_MODEL_JSON = 14,       /**< All of catdog.json; "{}" for a plain TorchScript archive. */
  CATDOG_INFO_ENGINE = 20,           /**< "native" or "torch". */
  CATDOG_INFO_PRECISION = 21,        /**< "fp32", "bf16" or "int8": what "auto" became. */
  CATDOG_INFO_PRECISION_REASON = 22, /**< Why it is that one: a phrase for people. */
  CATDOG_INFO_THREADS = 30,          /**< Integer: threads of a batch call or a stream. */
  CATDOG_INFO_INPUT_WIDTH = 31,      /**< Integer: pixels of the model's input. */
  CATDOG_INFO_INPUT_HEIGHT = 32,     /**< Integer: pixels of the model's input. */
  CATDOG_INFO_ABSTAIN_BELOW = 40,    /**< Double: the threshold in force, whether chosen or the model's own. */
  CATDOG_INFO_NEITHER_ABOVE = 41     /**< Double: likewise; 1 where the model has no score for neither. */
};

/** One fact as a string owned by the classifier; NULL for a fact that is no string and for an unknown key. */
CATDOG_API const char* catdog_classifier_info(const catdog_classifier* classifier, catdog_info key);

/** One fact that is an integer; negative for a fact that is none, for an unknown key and for NULL. */
CATDOG_API int64_t catdog_classifier_integer(const catdog_classifier* classifier, catdog_info key);

/** One fact that is a double; negative for a fact that is none, for an unknown key and for NULL. */
CATDOG_API double catdog_classifier_number(const catdog_classifier* classifier, catdog_info key);

/* ---- Images ---------------------------------------------------------------------------------------------------- */

/** What the bytes of an image are. */
typedef int32_t catdog_format;

enum {
  CATDOG_FORMAT_ENCODED = 0, /**< A JPEG, PNG, WebP or GIF file; width, height and row_stride must be 0. */
  CATDOG_FORMAT_GRAY8 = 10,
  CATDOG_FORMAT_RGB8 = 20,
  CATDOG_FORMAT_BGR8 = 21,
  CATDOG_FORMAT_RGBA8 = 30, /**< Straight alpha: the colours are those of the opaque pixel. Blended over white. */
  CATDOG_FORMAT_BGRA8 = 31, /**< Likewise. */
  CATDOG_FORMAT_RGBX8 = 32, /**< The fourth byte is ignored. */
  CATDOG_FORMAT_BGRX8 = 33, /**< Likewise. */
  CATDOG_FORMAT_RGBA8_PREMULTIPLIED = 34, /**< The colours are multiplied by alpha. Blended over white. */
  CATDOG_FORMAT_BGRA8_PREMULTIPLIED = 35, /**< Likewise. */
  CATDOG_FORMAT_NV12 = 40, /**< Video: a plane of luma, then U and V in turn, each for 2×2 pixels. ITU-R BT.601, luma
                            *   from 16 to 235. */
  CATDOG_FORMAT_NV21 = 41, /**< Likewise, but V and U in turn: what Android cameras give. */
  CATDOG_FORMAT_I420 = 42  /**< Likewise, but U and V in planes of their own. */
};

/** One image to classify: the library's only public struct. Zero-initialise it: what isn't used must be 0. All memory
 *  is borrowed for the call. Rows that don't lie within their plane's bytes are refused.
 *
 *  The region and the rotation are for raw pixels: a detector's box, a phone's orientation. An encoded image is turned
 *  as its EXIF orientation says. The measures CATDOG_MEASURE_WIDTH and _HEIGHT are those of the turned region. */
typedef struct catdog_image {
  const void* data;          /**< First byte of the file, or of the top row. */
  uint64_t data_size;        /**< Bytes that may be read from data. */
  uint64_t row_stride;       /**< Bytes from one row to the next; 0 = packed. */
  catdog_format format;      /**< One of CATDOG_FORMAT_*. */
  int32_t width;             /**< Pixels, of the whole image as it lies in memory. */
  int32_t height;            /**< Likewise. */
  uint32_t flags;            /**< Must be 0. */
  uint32_t timeout_ms;       /**< As CATDOG_OPTION_TIMEOUT_MS, for this image; 0 = the option. */
  uint32_t rotation;         /**< Degrees clockwise that make it upright: 0, 90, 180 or 270. */
  int32_t region_x;          /**< Left side of the part to look at, in pixels, before it is turned. */
  int32_t region_y;          /**< Top of that part. */
  int32_t region_width;      /**< Its width; all four of the region 0 = the whole image. */
  int32_t region_height;     /**< Its height. */
  const void* chroma[2];     /**< The plane of U and V of NV12 and NV21; both planes of I420. NULL: they follow the
                              *   luma in data, each row as long as 1 (NV12, NV21) or 1/2 (I420) of the luma's stride,
                              *   rounded up to a whole number of samples. */
  uint64_t chroma_size[2];   /**< Bytes that may be read from each. */
  uint64_t chroma_stride[2]; /**< Bytes from one row to the next; 0 = packed. */
  uint32_t reserved[4];      /**< Must be 0. */
} catdog_image;

/* ---- Classifying ------------------------------------------------------------------------------------------------- */

/** The verdict on one image or on each image of a batch. */
typedef struct catdog_result catdog_result;

/** Classifies one image file. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_classify_file(catdog_result** out,
                                                                          const catdog_classifier* classifier,
                                                                          const char* path);

/** Classifies one JPEG, PNG, WebP or GIF file that is in memory. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_classify_encoded(catdog_result** out,
                                                                             const catdog_classifier* classifier,
                                                                             const void* data, size_t size);

/** Reads the header of one JPEG, PNG, WebP or GIF file that is in memory, without decoding the image. Fails as
 *  catdog_classifier_classify_encoded() fails before it decodes: CATDOG_ERROR_UNSUPPORTED, CATDOG_ERROR_CORRUPT or
 *  CATDOG_ERROR_LIMIT. `out_format` is as catdog_result_format() says, static. `out_width` and `out_height` are pixels
 * as a viewer shows the image. `out_decode_bytes` is the most memory that decoding it for this classifier takes at
 * once, the file's own bytes not included. Each output may be NULL. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_probe_encoded(const char** out_format, int32_t* out_width,
                                                                          int32_t* out_height,
                                                                          uint64_t* out_decode_bytes,
                                                                          const catdog_classifier* classifier,
                                                                          const void* data, size_t size);

/** Classifies one image, encoded or raw. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_classify_image(catdog_result** out,
                                                                           const catdog_classifier* classifier,
                                                                           const catdog_image* image);

/** Classifies `count` ≥ 1 images on the classifier's batch threads. CATDOG_OK means that every image was tried:
 *  catdog_result_status() has each one's outcome, and a bad image never fails the others. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_classify_batch(catdog_result** out,
                                                                           const catdog_classifier* classifier,
                                                                           const catdog_image* images, size_t count);

/* ---- Results ----------------------------------------------------------------------------------------------------- */

/** Frees a result and every string that it returned. */
CATDOG_API void catdog_result_destroy(catdog_result* result);

/** Number of items, in the order of the input; 0 for NULL. The functions below take an item's index. */
CATDOG_API size_t catdog_result_count(const catdog_result* result);

/** Outcome of one item; CATDOG_ERROR_INVALID_ARGUMENT for NULL or an index out of range. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_result_status(const catdog_result* result, size_t item);

/** Why the item failed; "" when it didn't; NULL when out of range. */
CATDOG_API const char* catdog_result_message(const catdog_result* result, size_t item);

/** The answer: a label, "neither" or "uncertain"; NULL when the item failed or is out of range. "neither" when the
 *  score for neither is above its threshold; else "uncertain" when the trust is below its threshold; else the most
 *  probable label. Owned by the result. */
CATDOG_API const char* catdog_result_answer(const catdog_result* result, size_t item);

/** Why the answer is what it is. */
typedef int32_t catdog_reason;

enum {
  CATDOG_REASON_NONE = 0,            /**< The item failed: there is no answer. */
  CATDOG_REASON_LABEL = 10,          /**< The answer is the most probable label. */
  CATDOG_REASON_LOW_CONFIDENCE = 20, /**< "uncertain": the trust is below CATDOG_INFO_ABSTAIN_BELOW. */
  CATDOG_REASON_NEITHER = 30         /**< "neither": that score is above CATDOG_INFO_NEITHER_ABOVE. */
};

/** Reason for the answer; CATDOG_REASON_NONE also for NULL or an index out of range. */
CATDOG_API catdog_reason catdog_result_reason(const catdog_result* result, size_t item);

/** Stable lower-case name of a reason: "none", "label", "low_confidence" or "neither"; "unknown" for a value that this
 *  version doesn't know. Static. */
CATDOG_API const char* catdog_reason_name(catdog_reason reason);

/** Most probable label, whatever the answer is; NULL when the item failed or is out of range. Owned by the result. */
CATDOG_API const char* catdog_result_label(const catdog_result* result, size_t item);

/** Calibrated probability of that label, given that the image is one of the labels: 0..1; 0 when the item failed. */
CATDOG_API double catdog_result_confidence(const catdog_result* result, size_t item);

/** 1 when the answer is no label (the label is then a guess), else 0. */
CATDOG_API int32_t catdog_result_abstained(const catdog_result* result, size_t item);

/** Label index and calibrated probability at `rank` (0 = most probable). Either output may be NULL. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_result_ranked(const catdog_result* result, size_t item, int32_t rank,
                                                               int32_t* out_label_index, double* out_probability);

/** Numbers about one item. */
typedef int32_t catdog_measure;

enum {
  CATDOG_MEASURE_READ_MS = 10,       /**< Reading the file; 0 for memory. */
  CATDOG_MEASURE_DECODE_MS = 11,     /**< Bytes to pixels. */
  CATDOG_MEASURE_PREPROCESS_MS = 12, /**< Resize, orient, normalise. */
  CATDOG_MEASURE_INFER_MS = 13,      /**< The network. */
  CATDOG_MEASURE_TOTAL_MS = 19,      /**< All of the above and what lies between. */
  CATDOG_MEASURE_WIDTH = 30,         /**< Pixels of the image as a viewer shows it (EXIF orientation applied). */
  CATDOG_MEASURE_HEIGHT = 31,
  CATDOG_MEASURE_NEITHER = 40, /**< Probability that the image is of no label: 0..1; -1 where the model can't say. */
  CATDOG_MEASURE_TRUST = 41    /**< Probability that the label is right: confidence · (1 − neither). */
};

/** One number about an item, 0 when the item failed before it was known; negative for a key that this version doesn't
 *  know or an item out of range. Times are wall-clock milliseconds. */
CATDOG_API double catdog_result_measure(const catdog_result* result, size_t item, catdog_measure key);

/** "jpeg", "png", "webp", "gif", "raw" or, where the build reads more, "other"; "" when the item failed before that was
 *  known; NULL when out of range. Static. */
CATDOG_API const char* catdog_result_format(const catdog_result* result, size_t item);

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

/** Many images one after another: results in the order of the images, and a bounded number of them in memory. The
 *  classifier's batch threads work ahead, and so does the calling thread while it waits for a result.
 *
 *   size_t added = 0;
 *   for (size_t taken = 0; ok && taken < count; ++taken) {
 *     while (ok && added < count && catdog_stream_room(stream) > 0) {
 *       ok = catdog_stream_add_file(stream, paths[added++]) == CATDOG_OK;
 *     }
 *     ok = ok && catdog_stream_take(&result, stream) == CATDOG_OK;
 *     if (ok) print_and_destroy(paths[taken], result);
 *   }
 */
typedef struct catdog_stream catdog_stream;

/** Begins a stream of images for that classifier, which must outlive it. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_stream_create(catdog_stream** out,
                                                               const catdog_classifier* classifier);

/** Ends a stream. Images that wait are dropped; the call returns when those under way are done. Results that were taken
 *  stay. Does nothing in a child of the process that created it. */
CATDOG_API void catdog_stream_destroy(catdog_stream* stream);

/** How many images may be added before the next result must be taken; 0 for NULL. At most 8 for each batch thread. */
CATDOG_API size_t catdog_stream_room(const catdog_stream* stream);

/** 1 when catdog_stream_take() won't wait, else 0. */
CATDOG_API int32_t catdog_stream_ready(const catdog_stream* stream);

/** Adds an image file, which is read later. CATDOG_ERROR_INVALID_ARGUMENT when there is no room. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_stream_add_file(catdog_stream* stream, const char* path);

/** As catdog_stream_add_file(), for an image in memory. The struct is copied. The bytes must stay until the image's
 *  result has been taken or the stream is destroyed. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_stream_add_image(catdog_stream* stream, const catdog_image* image);

/** Waits for the result of the oldest image whose result wasn't taken yet. CATDOG_OK means that it was tried:
 *  catdog_result_status(*out, 0) has its outcome. CATDOG_ERROR_INVALID_ARGUMENT when every result was taken. A timeout
 *  counts from when work on that image begins. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_stream_take(catdog_result** out, catdog_stream* stream);

/* ---- Explanations ------------------------------------------------------------------------------------------------ */

/** Where in an image the network sees a label: a class activation map (Zhou et al., "Learning Deep Features for
 *  Discriminative Localization", 2016). Belongs to one thread at a time; independent of the classifier. */
typedef struct catdog_explanation catdog_explanation;

/** Classifies one image, encoded or raw, and makes the map of the label with that index; -1: of the most probable one.
 *  Takes up to twice as long as classifying it. CATDOG_ERROR_MODEL_UNSUPPORTED with the torch engine, and for a network
 *  that doesn't end with one global average pooling and layers on its result (both shipped models do). */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_explain(catdog_explanation** out,
                                                                    const catdog_classifier* classifier,
                                                                    const catdog_image* image, int32_t label);

/** As catdog_classifier_explain(), for an image file. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_classifier_explain_file(catdog_explanation** out,
                                                                         const catdog_classifier* classifier,
                                                                         const char* path, int32_t label);

/** Frees an explanation, its result and its map. */
CATDOG_API void catdog_explanation_destroy(catdog_explanation* explanation);

/** The verdict, as classifying the image gives it: item 0. Owned by the explanation; NULL for NULL. */
CATDOG_API const catdog_result* catdog_explanation_result(const catdog_explanation* explanation);

/** Index of the label that the map is about; -1 for NULL. */
CATDOG_API int32_t catdog_explanation_label(const catdog_explanation* explanation);

/** Rows of the map; 0 for NULL. */
CATDOG_API int32_t catdog_explanation_rows(const catdog_explanation* explanation);

/** Columns of the map; 0 for NULL. */
CATDOG_API int32_t catdog_explanation_columns(const catdog_explanation* explanation);

/** The map: rows · columns values, row after row from the top left, evenly spread over the upright image or its region.
 *  Each is the trust in the label (CATDOG_MEASURE_TRUST) if all of the image looked as that place does: 0..1. Owned by
 *  the explanation; NULL for NULL. */
CATDOG_API const float* catdog_explanation_map(const catdog_explanation* explanation);

/** Draws what the network saw in that size, 1..4096 pixels a side, as CATDOG_FORMAT_RGB8: as it is where the map is 1,
 *  darker where it is less. `rgb` has room for `height` rows of `row_stride` bytes (0 = packed). The network's view has
 *  few pixels and its own proportions: give those of the image. */
CATDOG_NODISCARD CATDOG_API catdog_status catdog_explanation_draw(const catdog_explanation* explanation, uint8_t* rgb,
                                                                  int32_t width, int32_t height, uint64_t row_stride);

#ifdef __cplusplus
}
#endif

#endif /* CATDOG_CATDOG_H */
