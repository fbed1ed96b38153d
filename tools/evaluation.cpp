// SPDX-License-Identifier: Apache-2.0
#include "evaluation.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "inputs.hpp"

namespace catdog::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* neither_folder = "neither";
constexpr int unknown_label = -2;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "'" : ", '") + word + "'";
  return text;
}

int truth_of(const std::string& name, const std::vector<std::string>& labels) {
  auto found = std::find(labels.begin(), labels.end(), name);
  if (found == labels.end()) {
    // "Cat" and "Dog" are common names of folders; not where labels differ in nothing but case.
    const auto same = [&](const std::string& label) { return lower_case(label) == lower_case(name); };
    if (std::count_if(labels.begin(), labels.end(), same) == 1)
      found = std::find_if(labels.begin(), labels.end(), same);
  }
  if (found != labels.end()) return static_cast<int>(found - labels.begin());
  return name == neither_folder ? no_label : unknown_label;
}

void refuse_unknown(const std::vector<std::string>& unknown, const std::vector<std::string>& labels) {
  if (unknown.empty()) return;
  throw CommandError(exit_usage, "no label of the model: " + joined(unknown) +
                                     " (folders must be named after the labels " + joined(labels) +
                                     ", or 'neither' for images of none)");
}

// Throws CommandError when the folder has none.
void add_folder(const fs::path& folder, int truth, std::vector<LabelledImage>& images) {
  const FolderImages found = images_in(folder, true);
  if (found.paths.empty()) throw CommandError(exit_usage, none_in(folder.string(), found));
  for (const std::string& path : found.paths) images.push_back({path, truth});
}

std::vector<LabelledImage> from_folders(const fs::path& folder, const std::vector<std::string>& labels) {
  std::vector<std::string> unknown;
  std::vector<std::pair<int, fs::path>> folders;  // "Cat" and "cat" are one class.
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory() || is_hidden(entry.path())) continue;
    const std::string name = entry.path().filename().string();
    const int truth = truth_of(name, labels);
    if (truth == unknown_label) unknown.push_back(name);
    folders.emplace_back(truth == no_label ? static_cast<int>(labels.size()) : truth, entry.path());  // Neither: last.
  }
  std::sort(unknown.begin(), unknown.end());
  refuse_unknown(unknown, labels);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool there = std::any_of(folders.begin(), folders.end(),
                                   [&](const auto& each) { return each.first == static_cast<int>(i); });
    if (!there) throw CommandError(exit_usage, "the folder '" + (folder / labels[i]).string() + "' is missing");
  }
  std::sort(folders.begin(), folders.end());
  std::vector<LabelledImage> images;
  for (const auto& [index, path] : folders) {
    add_folder(path, index == static_cast<int>(labels.size()) ? no_label : index, images);
  }
  return images;
}

std::vector<LabelledImage> from_list(const fs::path& folder, const std::string& list,
                                     const std::vector<std::string>& labels) {
  std::ifstream in(list, std::ios::binary);
  if (!in) throw CommandError(exit_usage, "can't read the list '" + list + "'");
  std::vector<LabelledImage> images;
  std::vector<std::string> unknown;
  for (const std::string& line : read_paths(in, false)) {
    const fs::path relative = fs::path(line).lexically_normal();
    const std::string name = relative.begin()->string();
    const int truth = truth_of(name, labels);
    if (truth == unknown_label && std::find(unknown.begin(), unknown.end(), name) == unknown.end()) {
      unknown.push_back(name);
    }
    images.push_back({(folder / relative).string(), truth});
  }
  refuse_unknown(unknown, labels);
  return images;
}

void require_folder(const std::string& folder) {
  if (!fs::is_directory(folder)) throw CommandError(exit_usage, "'" + folder + "' is no folder");
}

}  // namespace

std::string truth_name(int truth, const std::vector<std::string>& labels) {
  return truth == no_label ? neither_folder : labels[static_cast<std::size_t>(truth)];
}

std::vector<LabelledImage> labelled_images(const std::string& folder, const std::string& list,
                                           const std::string& negatives, const std::vector<std::string>& labels) {
  require_folder(folder);
  std::vector<LabelledImage> images = list.empty() ? from_folders(folder, labels) : from_list(folder, list, labels);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool any = std::any_of(images.begin(), images.end(),
                                 [&](const LabelledImage& image) { return image.truth == static_cast<int>(i); });
    if (!any) throw CommandError(exit_usage, "no images of the class '" + labels[i] + "'");
  }
  if (negatives.empty()) return images;
  require_folder(negatives);
  add_folder(negatives, no_label, images);
  return images;
}

std::vector<Sample> samples_of(const std::vector<Record>& records) {
  std::vector<Sample> samples;
  for (const auto& [truth, verdict] : records) {
    if (!verdict.result) continue;
    samples.push_back({truth, verdict.result.label_index(), verdict.result.abstained(), verdict.result.probabilities(),
                       verdict.result.neither(), verdict.result.reason() == CATDOG_REASON_NEITHER});
  }
  return samples;
}

Evaluation evaluate_images(const Session& session, const std::vector<LabelledImage>& images,
                           const std::function<void(const Record&)>& seen) {
  Evaluation evaluation;
  std::vector<std::string> paths;
  paths.reserve(images.size());
  for (const LabelledImage& image : images) paths.push_back(image.path);
  session.classify(paths, [&](Verdict verdict) {
    const int truth = images[evaluation.records.size()].truth;
    const Record& record = evaluation.records.emplace_back(Record{truth, std::move(verdict)});
    evaluation.unreadable += record.verdict.result ? 0 : 1;
    seen(record);
  });
  evaluation.metrics = compute_metrics(samples_of(evaluation.records), session.labels().size());
  return evaluation;
}

}  // namespace catdog::cli
