// SPDX-License-Identifier: Apache-2.0
// A run of a model over labelled images: every verdict with its truth, and the figures from them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "metrics.hpp"
#include "session.hpp"

namespace catdog::cli {

// An image and what it shows: the index of a label, or no_label.
struct LabelledImage {
  std::string path;
  int truth = no_label;
};

// Name of the truth: a label, or "neither".
std::string truth_name(int truth, const std::vector<std::string>& labels);

// The sub-folders of `folder` are the labels; one named "neither", where that is no label, holds images of none.
// `list` ("" = all) names a file of paths relative to `folder`. `negatives` ("" = none) is a folder of more images of
// no label. Throws CommandError for folders that fit no label and for a label without an image.
std::vector<LabelledImage> labelled_images(const std::string& folder, const std::string& list,
                                           const std::string& negatives, const std::vector<std::string>& labels);

struct Record {
  int truth = no_label;
  Verdict verdict;  // With a status of its own: an image that can't be read is a record as well.
};

struct Evaluation {
  std::vector<Record> records;  // In the order of the images; fewer when interrupted.
  std::size_t unreadable = 0;
  Metrics metrics;  // Of the readable ones.
};

// The readable ones, as the metrics take them.
std::vector<Sample> samples_of(const std::vector<Record>& records);

// Classifies the images on the session's threads. `seen` is told of each record, in order, on the calling thread.
Evaluation evaluate_images(const Session& session, const std::vector<LabelledImage>& images,
                           const std::function<void(const Record&)>& seen);

}  // namespace catdog::cli
