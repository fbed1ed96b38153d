// SPDX-License-Identifier: Apache-2.0
#include "dataset.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>

#include "image/decode.hpp"
#include "image/preprocess.hpp"
#include "random.hpp"
#include "runtime/file_reader.hpp"
#include "runtime/worker_pool.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

namespace fs = std::filesystem;
using core::Failure;
using core::Status;

struct EncodedFile {
  std::string label;
  std::string name;
  std::string key() const { return label + "/" + name; }
  fs::path path;                    // Read when it is decoded; empty for a file of a tar:
  std::vector<std::uint8_t> bytes;  // its contents.
};

struct Source {
  std::set<std::string> labels;  // Of class folders without files, too.
  std::vector<EncodedFile> files;
};

bool is_hidden(const std::string& name) { return name.empty() || name.front() == '.'; }

Source read_folder(const fs::path& root) {
  Source source;
  for (const auto& folder : fs::directory_iterator(root)) {
    const std::string label = folder.path().filename().string();
    if (!folder.is_directory() || is_hidden(label)) continue;
    source.labels.insert(label);
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || is_hidden(name)) continue;
      source.files.push_back({label, name, entry.path(), {}});
    }
  }
  return source;
}

Source read_tar(const fs::path& path) {
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_all(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), 1 << 20) != ARCHIVE_OK) {
    throw Failure(Status::io, "can't read the archive " + path.string() + ": " + archive_error_string(reader.get()));
  }
  Source source;
  archive_entry* entry = nullptr;
  int outcome = ARCHIVE_OK;
  while ((outcome = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    const fs::path name = archive_entry_pathname(entry) != nullptr ? archive_entry_pathname(entry) : "";
    const std::string label = name.parent_path().filename().string();
    if (archive_entry_filetype(entry) != AE_IFREG || is_hidden(name.filename().string()) || is_hidden(label)) continue;
    const la_int64_t size = archive_entry_size(entry);
    if (size > (32 << 20))
      throw Failure(Status::limit, "an entry above 32 MiB in " + path.string() + ": " + name.string());
    EncodedFile file{label, name.filename().string(), {}, std::vector<std::uint8_t>(static_cast<std::size_t>(size))};
    if (archive_read_data(reader.get(), file.bytes.data(), file.bytes.size()) != size) {
      throw Failure(Status::io, "the archive " + path.string() + " ends within " + name.string());
    }
    source.labels.insert(label);
    source.files.push_back(std::move(file));
  }
  if (outcome != ARCHIVE_EOF) {
    throw Failure(Status::io, "the archive " + path.string() + " is damaged: " + archive_error_string(reader.get()));
  }
  return source;
}

Source read_source(const fs::path& path) {
  if (!fs::exists(path)) throw Failure(Status::not_found, "no such data: " + path.string());
  Source source = fs::is_directory(path) ? read_folder(path) : read_tar(path);
  std::sort(source.files.begin(), source.files.end(), [](const auto& a, const auto& b) { return a.key() < b.key(); });
  return source;
}

// The folders that hold a file of that name, by name with and without its ending.
using FoldersByName = std::map<std::string, std::set<std::string>>;

FoldersByName folders_by_name(const std::vector<EncodedFile>& files) {
  FoldersByName folders;
  for (const EncodedFile& file : files) {
    folders[file.name].insert(file.label);
    folders[fs::path(file.name).stem().string()].insert(file.label);
  }
  return folders;
}

// A row of the list `path` may name a file without its folder as long as only one folder has a file of that name.
void check_row(const std::string& row, const std::string& path, const FoldersByName& folders) {
  const auto found = folders.find(row);
  if (found == folders.end() || found->second.size() < 2) return;
  const std::string& first = *found->second.begin();
  const std::string& second = *std::next(found->second.begin());
  throw Failure(Status::invalid_argument, path + ": \"" + row + "\" is in the folders \"" + first + "\" and \"" +
                                              second + "\": write the folder, too (" + first + "/" + row + ")");
}

std::set<std::string> read_exclusions(const std::string& path, const FoldersByName& folders) {
  std::set<std::string> rows;
  for (std::string& word : read_word_list(path)) {
    check_row(word, path, folders);
    rows.insert(std::move(word));
  }
  return rows;
}

bool is_excluded(const EncodedFile& file, const std::set<std::string>& rows) {
  const std::string stem = fs::path(file.name).stem().string();
  const std::string folder = file.label + "/";
  return rows.contains(file.name) || rows.contains(stem) || rows.contains(folder + file.name) ||
         rows.contains(folder + stem);
}

// A text file's next line, without the byte-order mark before the first.
bool read_line(std::istream& in, std::string& line, bool first) {
  if (!std::getline(in, line)) return false;
  if (first && line.rfind("\xEF\xBB\xBF", 0) == 0) line.erase(0, 3);
  return true;
}

float parse_logit(const std::string& field, const std::string& place) {
  float value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size() || !std::isfinite(value)) {
    throw Failure(Status::invalid_argument, place + ": \"" + field + "\" is no number");
  }
  return value;
}

using Logits = std::map<std::string, std::vector<float>>;

Logits read_teacher(const std::string& path, const std::vector<std::string>& labels, const FoldersByName& folders) {
  std::ifstream in(path);
  if (!in) throw Failure(Status::not_found, "can't read the teacher's logits: " + path);
  std::string line;
  read_line(in, line, true);
  std::string expected = "file";
  for (const auto& label : labels) expected += "," + label + "_logit";
  if (line != expected) {
    throw Failure(Status::invalid_argument,
                  path + " must begin with the line \"" + expected + "\", not \"" + line + "\"");
  }
  Logits logits;
  for (int number = 2; read_line(in, line, false); ++number) {
    const std::string place = path + ", line " + std::to_string(number);
    std::istringstream fields(line);
    std::string file;
    std::getline(fields, file, ',');
    check_row(file, place, folders);
    std::vector<float> row;
    std::string field;
    while (std::getline(fields, field, ',')) row.push_back(parse_logit(field, place));
    if (row.size() != labels.size())
      throw Failure(Status::invalid_argument, place + ": wrong number of fields in \"" + line + "\"");
    logits[file] = std::move(row);
  }
  return logits;
}

// Large photos shrink to twice the model's input: enough for every crop, and bounded memory.
core::Image decode_sample(EncodedFile file, int image_size) {
  const core::Size bound{2 * image_size, 2 * image_size};
  const core::ImageLimits limits;
  if (!file.path.empty()) file.bytes = core::read_file(file.path, limits.max_encoded_bytes, "image");
  const core::DecodedImage image = core::decode_image(file.bytes, bound, limits);
  const core::Size shown = image.displayed_size();
  const core::Size target{std::min(shown.width, bound.width), std::min(shown.height, bound.height)};
  return core::resize_and_orient(image, target);
}

// Drops the samples that can't be decoded.
void decode(Dataset& data, std::vector<EncodedFile>& encoded, const TrainOptions& options) {
  std::vector<std::string> reasons(encoded.size());
  std::exception_ptr failure;
  std::mutex mutex;
  core::WorkerPool pool(options.loader_threads);
  pool.for_each(encoded.size(), [&](std::size_t i) {
    try {
      data.samples[i].rgb = decode_sample(std::move(encoded[i]), options.image_size);
    } catch (const Failure& error) {
      reasons[i] = std::string(core::status_name(error.status())) + ": " + error.what();
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    if (!reasons[i].empty()) data.unreadable.push_back({data.samples[i].key, reasons[i]});
  }
  std::erase_if(data.samples, [](const Sample& sample) { return sample.rgb.empty(); });
}

void check_labels(const Source& source, const std::string& path) {
  if (source.labels.size() < 2) {
    throw Failure(Status::invalid_argument,
                  "the data needs at least two class folders, found " + std::to_string(source.labels.size()));
  }
  std::set<std::string> empty = source.labels;
  for (const EncodedFile& file : source.files) empty.erase(file.label);
  if (!empty.empty()) throw Failure(Status::invalid_argument, "the class \"" + *empty.begin() + "\" is empty: " + path);
}

// `image`: the images that count, for the message.
void check_splits(const Dataset& data, const std::string& image) {
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    std::vector<std::size_t> count(data.labels.size());
    for (const Sample& sample : data.samples) {
      if (sample.split == split && sample.label >= 0) ++count[static_cast<std::size_t>(sample.label)];
    }
    for (std::size_t i = 0; i < count.size(); ++i) {
      if (count[i] == 0) {
        throw Failure(Status::invalid_argument, "no " + image + " of class \"" + data.labels[i] + "\" in the " +
                                                    split_name(split) + " split: add images or change the fractions");
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
  for (bool first = true; read_line(in, line, first); first = false) {
    std::istringstream fields(line.substr(0, line.find('#')));
    std::string word;
    while (fields >> word) words.push_back(word);
  }
  return words;
}

Dataset load_dataset(const TrainOptions& options) {
  Source source = read_source(options.data);
  check_labels(source, options.data);
  Dataset data;
  data.labels.assign(source.labels.begin(), source.labels.end());
  std::vector<EncodedFile>& files = source.files;
  const std::size_t labelled = files.size();
  const Logits teacher =
      options.teacher.empty() ? Logits{} : read_teacher(options.teacher, data.labels, folders_by_name(files));
  if (!options.negatives.empty()) {
    Source negatives = read_source(options.negatives);
    std::move(negatives.files.begin(), negatives.files.end(), std::back_inserter(files));
  }
  std::set<std::string> exclusions;
  if (!options.exclude.empty()) exclusions = read_exclusions(options.exclude, folders_by_name(files));

  std::vector<EncodedFile> encoded;  // Of data.samples.
  for (std::size_t i = 0; i < files.size(); ++i) {
    EncodedFile& file = files[i];
    if (is_excluded(file, exclusions)) {
      ++data.excluded;
      continue;
    }
    Sample sample;
    sample.key = file.key();
    sample.split = assign_split(sample.key, options);
    sample.label = -1;
    if (i < labelled) {
      sample.label = static_cast<int>(std::distance(source.labels.begin(), source.labels.find(file.label)));
      auto row = teacher.find(sample.key);
      if (row == teacher.end()) row = teacher.find(file.name);
      if (row != teacher.end()) {
        sample.teacher_logits = row->second;
      } else if (!teacher.empty() && sample.split == Split::train) {
        ++data.without_teacher;
        continue;
      }
    }
    data.samples.push_back(std::move(sample));
    encoded.push_back(std::move(file));
  }
  check_splits(data, "image");
  decode(data, encoded, options);
  check_splits(data, "readable image");
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
