// SPDX-License-Identifier: Apache-2.0
#include "dataset.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include "image/image.hpp"
#include "image/preprocess.hpp"
#include "random.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

namespace fs = std::filesystem;
using core::Failure;
using core::Status;

struct EncodedFile {
  std::string label;
  std::string key;
  std::vector<std::uint8_t> bytes;
};

bool is_hidden(const std::string& name) { return name.empty() || name.front() == '.'; }

std::vector<EncodedFile> read_folder(const fs::path& root) {
  std::vector<EncodedFile> files;
  for (const auto& folder : fs::directory_iterator(root)) {
    const std::string label = folder.path().filename().string();
    if (!folder.is_directory() || is_hidden(label)) continue;
    files.push_back({label, "", {}});  // Marks the class as present even when it has no file.
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || is_hidden(name)) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files.push_back(
          {label, label + "/" + name,
           std::vector<std::uint8_t>(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>())});
    }
  }
  return files;
}

std::vector<EncodedFile> read_tar(const fs::path& path) {
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_all(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), 1 << 20) != ARCHIVE_OK) {
    throw Failure(Status::io, "can't read the archive " + path.string() + ": " + archive_error_string(reader.get()));
  }
  std::vector<EncodedFile> files;
  archive_entry* entry = nullptr;
  int outcome = ARCHIVE_OK;
  while ((outcome = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    const fs::path name = archive_entry_pathname(entry) != nullptr ? archive_entry_pathname(entry) : "";
    const std::string label = name.parent_path().filename().string();
    if (archive_entry_filetype(entry) != AE_IFREG || is_hidden(name.filename().string()) || label.empty()) continue;
    const la_int64_t size = archive_entry_size(entry);
    if (size > (32 << 20))
      throw Failure(Status::limit, "an entry above 32 MiB in " + path.string() + ": " + name.string());
    EncodedFile file{label, label + "/" + name.filename().string(),
                     std::vector<std::uint8_t>(static_cast<std::size_t>(size))};
    if (archive_read_data(reader.get(), file.bytes.data(), file.bytes.size()) != size) {
      throw Failure(Status::io, "the archive " + path.string() + " ends within " + name.string());
    }
    files.push_back(std::move(file));
  }
  if (outcome != ARCHIVE_EOF) {
    throw Failure(Status::io, "the archive " + path.string() + " is damaged: " + archive_error_string(reader.get()));
  }
  return files;
}

std::vector<EncodedFile> read_files(const fs::path& path) {
  if (!fs::exists(path)) throw Failure(Status::not_found, "no such data: " + path.string());
  return fs::is_directory(path) ? read_folder(path) : read_tar(path);
}

std::map<std::string, std::vector<float>> read_teacher(const std::string& path,
                                                       const std::vector<std::string>& labels) {
  std::ifstream in(path);
  if (!in) throw Failure(Status::not_found, "can't read the teacher's logits: " + path);
  std::string line;
  std::getline(in, line);
  std::string expected = "file";
  for (const auto& label : labels) expected += "," + label + "_logit";
  if (line != expected) {
    throw Failure(Status::invalid_argument,
                  path + " must begin with the line \"" + expected + "\", not \"" + line + "\"");
  }
  std::map<std::string, std::vector<float>> logits;
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string file;
    std::getline(fields, file, ',');
    std::vector<float> row;
    std::string field;
    while (std::getline(fields, field, ',')) row.push_back(std::stof(field));
    if (row.size() != labels.size())
      throw Failure(Status::invalid_argument, path + ": wrong number of fields in \"" + line + "\"");
    logits[file] = std::move(row);
  }
  return logits;
}

// Large photos shrink to twice the model's input: enough for every crop, and bounded memory.
cv::Mat decode_sample(const std::vector<std::uint8_t>& bytes, int image_size) {
  const core::Size bound{2 * image_size, 2 * image_size};
  const core::DecodedImage image = core::decode_image(bytes, bound, core::ImageLimits{});
  const core::Size shown = image.displayed_size();
  const core::Size target{std::min(shown.width, bound.width), std::min(shown.height, bound.height)};
  return core::resize_and_orient(image, target).clone();
}

void check_classes(const Dataset& data) {
  if (data.labels.size() < 2) {
    throw Failure(Status::invalid_argument,
                  "the data needs at least two class folders, found " + std::to_string(data.labels.size()));
  }
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    std::vector<std::size_t> count(data.labels.size());
    for (const Sample& sample : data.samples) {
      if (sample.split == split && sample.label >= 0) ++count[static_cast<std::size_t>(sample.label)];
    }
    for (std::size_t i = 0; i < count.size(); ++i) {
      if (count[i] == 0) {
        throw Failure(Status::invalid_argument, std::string("no readable image of class \"") + data.labels[i] +
                                                    "\" in the " + split_name(split) +
                                                    " split: add images or change the fractions");
      }
    }
  }
}

}  // namespace

const char* split_name(Split split) {
  switch (split) {
    case Split::train: return "train";
    case Split::validation: return "validation";
    case Split::test: return "test";
  }
  return "";
}

std::vector<std::size_t> Dataset::indices(Split split, bool negatives) const {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].split == split && (negatives || samples[i].label >= 0)) result.push_back(i);
  }
  return result;
}

Split assign_split(const std::string& key, const TrainOptions& options) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a.
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  const double u = Random(options.split_seed, hash).uniform();
  if (u < options.test_fraction) return Split::test;
  return u < options.test_fraction + options.val_fraction ? Split::validation : Split::train;
}

std::vector<std::string> read_word_list(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw Failure(Status::not_found, "can't read the list " + path);
  std::vector<std::string> words;
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream fields(line.substr(0, line.find('#')));
    std::string word;
    while (fields >> word) words.push_back(word);
  }
  return words;
}

Dataset load_dataset(const TrainOptions& options, const std::function<void(std::size_t, std::size_t)>& progress) {
  std::vector<EncodedFile> files = read_files(options.data);

  Dataset data;
  std::set<std::string> labels;
  for (const EncodedFile& file : files) labels.insert(file.label);
  data.labels.assign(labels.begin(), labels.end());
  std::erase_if(files, [](const EncodedFile& file) { return file.key.empty(); });
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  for (const std::string& label : data.labels) {
    if (std::none_of(files.begin(), files.end(), [&](const auto& file) { return file.label == label; })) {
      throw Failure(Status::invalid_argument, "the class \"" + label + "\" is empty: " + options.data);
    }
  }

  if (!options.negatives.empty()) {
    for (EncodedFile& file : read_files(options.negatives)) {
      if (file.key.empty()) continue;
      file.label.clear();
      files.push_back(std::move(file));
    }
  }

  std::set<std::string> noise;
  if (!options.exclude.empty()) {
    for (auto& word : read_word_list(options.exclude)) noise.insert(word);
  }
  const auto teacher = options.teacher.empty() ? std::map<std::string, std::vector<float>>{}
                                               : read_teacher(options.teacher, data.labels);

  std::vector<Sample> samples(files.size());
  std::vector<std::string> reasons(files.size());
  std::vector<char> keep(files.size(), 0);
  std::atomic<std::size_t> next{0};
  const auto work = [&](bool reports) {
    for (std::size_t i = 0; (i = next.fetch_add(1)) < files.size();) {
      if (reports && i % 64 == 0) progress(i, files.size());
      const fs::path name = fs::path(files[i].key).filename();
      if (noise.contains(name.stem().string()) || noise.contains(name.string())) continue;
      keep[i] = 1;
      Sample& sample = samples[i];
      sample.key = files[i].key;
      const auto label = std::find(data.labels.begin(), data.labels.end(), files[i].label);
      sample.label = label == data.labels.end() ? -1 : static_cast<int>(label - data.labels.begin());
      sample.split = assign_split(sample.key, options);
      if (const auto found = teacher.find(name.string()); found != teacher.end()) sample.teacher_logits = found->second;
      try {
        sample.rgb = decode_sample(files[i].bytes, options.image_size);
      } catch (const Failure& failure) {
        reasons[i] = std::string(core::status_name(failure.status())) + ": " + failure.what();
      }
      files[i].bytes = {};
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < options.loader_threads; ++i) helpers.emplace_back(work, false);
    work(true);
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (keep[i] == 0) {
      ++data.excluded;
    } else if (!reasons[i].empty()) {
      data.unreadable.push_back({files[i].key, reasons[i]});
    } else if (!teacher.empty() && samples[i].label >= 0 && samples[i].teacher_logits.empty() &&
               samples[i].split == Split::train) {
      ++data.untaught;
    } else {
      data.samples.push_back(std::move(samples[i]));
    }
  }
  progress(files.size(), files.size());
  check_classes(data);
  return data;
}

void write_split_lists(const Dataset& data, const std::string& folder) {
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    const fs::path path = fs::path(folder) / (std::string(split_name(split)) + ".txt");
    std::ofstream out(path);
    for (const Sample& sample : data.samples) {
      if (sample.split == split && sample.label >= 0) out << sample.key << '\n';
    }
    if (!out.flush()) throw Failure(Status::io, "can't write " + path.string());
  }
}

}  // namespace catdog::training
