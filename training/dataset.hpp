// SPDX-License-Identifier: Apache-2.0
// Labelled images from class folders or a tar, decoded once by the library's own decoder and kept as 8-bit pixels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "image/image.hpp"
#include "options.hpp"

namespace catdog::training {

enum class Split : std::uint8_t { train, validation, test };
const char* split_name(Split split);

struct Sample {
  std::string key;  // "<label>/<file name>".
  int label = 0;    // -1: a negative.
  Split split = Split::train;
  core::Image rgb;                    // Longest side at most twice the model's input.
  std::vector<float> teacher_logits;  // Empty without a teacher.
};

struct Unreadable {
  std::string key;
  std::string reason;
};

struct Dataset {
  std::vector<std::string> labels;  // Sorted: the class order.
  std::vector<Sample> samples;      // Sorted by key.
  std::vector<Unreadable> unreadable;
  std::size_t excluded = 0;         // Named by the noise list.
  std::size_t without_teacher = 0;  // Left out of training because the teacher has no logits for them.

  // Samples of a split that show a class; with `negatives` the others, too.
  std::vector<std::size_t> indices(Split split, bool negatives = false) const;
};

// Which split a file belongs to: depends on the seed and the key alone, so that adding files moves none.
Split assign_split(const std::string& key, const TrainOptions& options);

// Words of a noise list; '#' starts a comment.
std::vector<std::string> read_word_list(const std::string& path);

// Reads, splits and decodes (several threads). Throws core::Failure: an unreadable source, fewer than two classes, an
// empty class, a split without images of a class; a row of the noise list or of the teacher that names files in several
// folders.
Dataset load_dataset(const TrainOptions& options);

// Writes train.txt, validation.txt and test.txt into `folder`: one key a line, of the images that show a class.
void write_split_lists(const Dataset& data, const std::string& folder);

}  // namespace catdog::training
