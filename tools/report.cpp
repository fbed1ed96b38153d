// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "output.hpp"
#include "svg.hpp"

namespace catdog::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_mistakes = 24;
constexpr std::size_t most_unreadable = 24;
constexpr std::uintmax_t most_embedded_bytes = 100 * 1000;
constexpr int histogram_bins = 20;

// The policy makes sure that the page loads nothing: file names are the only foreign text on it.
constexpr const char* head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a;
  background: #fff; }
h1, h2 { line-height: 1.2; }
h1 { overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #bbb; }
code { overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; }
th, td { border: 1px solid #bbb; padding: .2rem .6rem; text-align: right; }
th { background: #f2f2f2; }
th:first-child, .facts td { text-align: left; }
.facts td { overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 1.5rem; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem; padding: 0;
  list-style: none; }
.mistakes img, .mistakes .none { width: 100%; height: 9rem; object-fit: contain; background: #eee; display: block; }
.mistakes .none { display: grid; place-items: center; text-align: center; }
figure { margin: 0; }
figcaption { font-weight: bold; }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
.grid { stroke: #ddd; }
.ideal { stroke: #777; stroke-dasharray: 1 3; }
.note { color: #444; font-size: .9rem; }
@media print {
  figure, tr, li { break-inside: avoid; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; }
}
</style>
)";

std::string number(double value, const char* format = "%.4f") {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

std::string number(const std::optional<double>& value) { return value ? number(*value) : "–"; }

std::string text(const std::optional<Interval>& interval) {
  return interval ? number(interval->low) + " to " + number(interval->high) : "–";
}

std::string with_interval(const std::optional<double>& value, const std::optional<Interval>& interval) {
  return value ? number(value) + " (" + text(interval) + ")" : "–";
}

std::optional<Interval> share_interval(std::size_t part, std::size_t whole) {
  return whole == 0 ? std::nullopt : std::optional(wilson_interval(part, whole));
}

std::string code(const std::string& plain) { return "<code><bdi>" + escaped(plain) + "</bdi></code>"; }

std::string heading(const std::string& words) { return "<h2>" + words + "</h2>\n"; }

// Cells are HTML; the first of each row is its header. No head: a list of facts.
std::string table(const std::string& caption, const std::vector<std::string>& columns,
                  const std::vector<std::vector<std::string>>& rows) {
  std::string out = "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"" + caption + "\"><table" +
                    (columns.empty() ? " class=\"facts\"" : "") + "><caption>" + caption + "</caption>\n";
  if (!columns.empty()) {
    out += "<thead><tr>";
    for (const std::string& column : columns) out += "<th scope=\"col\">" + column + "</th>";
    out += "</tr></thead>\n";
  }
  out += "<tbody>\n";
  for (const auto& row : rows) {
    out += "<tr><th scope=\"row\">" + row.front() + "</th>";
    for (std::size_t i = 1; i < row.size(); ++i) out += "<td>" + row[i] + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string base64(const std::string& bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < bytes.size() ? static_cast<unsigned>(static_cast<unsigned char>(bytes[i + k])) : 0U;
    };
    const unsigned block = byte(0) << 16U | byte(1) << 8U | byte(2);
    for (unsigned k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : digits[block >> (18 - 6 * k) & 63U];
  }
  return out;
}

// The image's own bytes, or nothing where they are too many or of a format that browsers don't show.
std::string data_uri(const Verdict& verdict) {
  const std::array<std::string, 4> shown = {"jpeg", "png", "webp", "gif"};
  std::error_code error;
  const std::uintmax_t size = fs::file_size(verdict.path, error);
  if (error || size > most_embedded_bytes ||
      std::find(shown.begin(), shown.end(), verdict.result.format()) == shown.end()) {
    return "";
  }
  std::ifstream in(verdict.path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return "data:image/" + verdict.result.format() + ";base64," + base64(bytes);
}

bool readable(const Record& record) { return record.verdict.result.ok(); }
bool shows_label(const Record& record) { return readable(record) && record.truth != no_label; }
bool is_neither(const Record& record) { return record.verdict.result.reason() == CATDOG_REASON_NEITHER; }
bool label_right(const Record& record) { return record.verdict.result.label_index() == record.truth; }

// "uncertain" is no mistake.
bool mistaken(const Record& record) {
  if (!readable(record)) return false;
  return record.verdict.result.abstained() ? is_neither(record) && record.truth != no_label : !label_right(record);
}

double sureness(const Record& record) {
  return is_neither(record) ? record.verdict.result.neither().value_or(0) : record.verdict.result.trust();
}

class Page {
 public:
  Page(const Session& session, const Evaluation& evaluation, std::size_t images)
      : session_(session), evaluation_(evaluation), metrics_(evaluation.metrics), images_(images) {
    for (const std::string& label : session.labels()) labels_.push_back(escaped(label));
  }

  std::string html() const {
    const std::string title =
        escaped(session_.info(CATDOG_INFO_MODEL_NAME) + " " + session_.info(CATDOG_INFO_MODEL_VERSION));
    return head +
           ("<title>Evaluation of " + title + "</title>\n</head>\n<body>\n<h1>Evaluation of " + title +
            "</h1>\n<main>\n") +
           summary() + model() + figures() + matrices() + curves() + neither() + mistakes() + groups() + unreadable() +
           "</main>\n</body>\n</html>\n";
  }

 private:
  std::string summary() const {
    std::string out = "<p>" + std::to_string(metrics_.count) + " images that show a label, " +
                      std::to_string(metrics_.neither.count) + " that show none, " +
                      std::to_string(evaluation_.unreadable) + " that could not be read.";
    if (evaluation_.records.size() < images_) {
      out += " <strong>The run was interrupted: these are the first " + std::to_string(evaluation_.records.size()) +
             " images of " + std::to_string(images_) + ".</strong>";
    }
    return out + "</p>\n";
  }

  std::string model() const {
    const auto fact = [&](const char* name, catdog_info key) {
      return std::vector<std::string>{name, escaped(session_.info(key))};
    };
    return heading("Model") +
           table("Model and settings", {},
                 {fact("Name", CATDOG_INFO_MODEL_NAME),
                  fact("Version", CATDOG_INFO_MODEL_VERSION),
                  fact("SHA-256", CATDOG_INFO_MODEL_SHA256),
                  fact("Engine", CATDOG_INFO_ENGINE),
                  fact("Precision", CATDOG_INFO_PRECISION),
                  {"“uncertain” below a trust of", number(session_.number(CATDOG_INFO_ABSTAIN_BELOW))},
                  {"“neither” above a score of", number(session_.number(CATDOG_INFO_NEITHER_ABOVE))}});
  }

  std::string figures() const {
    const auto if_any = [](const Metrics& of, double value) {
      return of.count > 0 ? std::optional(value) : std::nullopt;
    };
    const auto listed = [&](const Metrics& of) {
      std::vector<std::optional<double>> values = {of.auc, if_any(of, of.ece), if_any(of, of.log_loss),
                                                   if_any(of, of.brier), of.neither.auc};
      for (const ClassMetrics& one : of.classes) {
        values.push_back(one.f1);
        values.push_back(one.auc);
      }
      return values;
    };
    const std::vector<std::optional<double>> values = listed(metrics_);
    const auto intervals = bootstrap_intervals(samples_of(evaluation_.records), labels_.size(), listed);
    const auto row = [&](const char* name, std::size_t i) {
      return std::vector<std::string>{name, number(values[i]), text(intervals[i])};
    };
    std::vector<std::vector<std::string>> rows = {{"Accuracy", number(if_any(metrics_, metrics_.accuracy)),
                                                   text(share_interval(metrics_.correct, metrics_.count))},
                                                  row("AUC", 0),
                                                  row("ECE, 15 bins", 1),
                                                  row("Log-loss", 2),
                                                  row("Brier score", 3)};
    if (metrics_.neither.count > 0) rows.push_back(row("AUC of the score for neither", 4));
    std::vector<std::vector<std::string>> classes;
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const ClassMetrics& one = metrics_.classes[i];
      const std::size_t hits = metrics_.confusion[i][i];
      std::size_t predicted = 0;
      for (const auto& truth : metrics_.confusion) predicted += truth[i];
      classes.push_back({labels_[i], std::to_string(one.support),
                         with_interval(one.recall, share_interval(hits, one.support)),
                         with_interval(one.precision, share_interval(hits, predicted)),
                         with_interval(one.f1, intervals[5 + 2 * i]), with_interval(one.auc, intervals[6 + 2 * i])});
    }
    return heading("Figures") + table("All classes", {"Figure", "Value", "95 % interval"}, rows) +
           table("Each class, with 95 % intervals", {"Class", "Images", "Recall", "Precision", "F1", "AUC"}, classes) +
           "<p class=\"note\">The figures count the likeliest label of each image that shows one, answered or not. "
           "Intervals of accuracy, recall and precision are Wilson's; the others come from 400 bootstrap sets. A "
           "bootstrap set overstates a small ECE.</p>\n";
  }

  std::string matrices() const {
    std::vector<std::string> columns = {"Truth"};
    columns.insert(columns.end(), labels_.begin(), labels_.end());
    const std::size_t width = labels_.size() + 2;  // Then "neither" and "uncertain".
    std::vector<std::vector<std::size_t>> answers(labels_.size() + 1, std::vector<std::size_t>(width, 0));
    for (const Record& record : evaluation_.records) {
      if (!readable(record)) continue;
      const std::size_t row = record.truth == no_label ? labels_.size() : static_cast<std::size_t>(record.truth);
      const std::size_t declined = labels_.size() + (is_neither(record) ? 0 : 1);
      ++answers[row][record.verdict.result.abstained() ? declined
                                                       : static_cast<std::size_t>(record.verdict.result.label_index())];
    }
    if (metrics_.neither.count == 0) answers.pop_back();
    std::string out = heading("Confusion matrix") +
                      table("Likeliest label (columns) of each truth (rows)", columns, counts(metrics_.confusion));
    columns.emplace_back("neither");
    columns.emplace_back("uncertain");
    return out + table("Answer (columns) to each truth (rows)", columns, counts(answers));
  }

  std::vector<std::vector<std::string>> counts(const std::vector<std::vector<std::size_t>>& matrix) const {
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; i < matrix.size(); ++i) {
      std::vector<std::string>& row = rows.emplace_back();
      row.push_back(i < labels_.size() ? labels_[i] : "neither");
      for (const std::size_t n : matrix[i]) row.push_back(std::to_string(n));
    }
    return rows;
  }

  std::string curves() const {
    Chart roc{"ROC curve", "", "false positive rate", "true positive rate"};
    roc.diagonal = true;
    Chart recall{"Precision and recall", "", "recall", "precision"};
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      std::vector<double> scores;
      std::vector<bool> positive;
      for (const Record& record : evaluation_.records) {
        if (!shows_label(record)) continue;
        scores.push_back(record.verdict.result.probabilities()[i]);
        positive.push_back(record.truth == static_cast<int>(i));
      }
      const std::string& label = session_.labels()[i];
      const std::string auc = ", AUC " + number(metrics_.classes[i].auc);
      roc.series.push_back({label + auc, roc_curve(scores, positive)});
      recall.series.push_back({label, precision_recall_curve(scores, positive)});
      roc.description += label + auc + ". ";
    }
    recall.description = "Precision against recall of each class, as the threshold of its probability falls.";
    return heading("Curves") + "<div class=\"figures\">\n" + figure(roc) + figure(recall) + figure(calibration()) +
           figure(coverage()) + "</div>\n";
  }

  Chart calibration() const {
    Chart chart{"Reliability", "", "confidence", "accuracy"};
    chart.description =
        "Accuracy in 15 bins of confidence; a calibrated model lies on the diagonal. ECE " + number(metrics_.ece) + ".";
    chart.diagonal = true;
    std::vector<double> confidences;
    std::vector<bool> right;
    for (const Record& record : evaluation_.records) {
      if (!shows_label(record)) continue;
      confidences.push_back(record.verdict.result.confidence());
      right.push_back(label_right(record));
    }
    Curve bins;
    Curve sizes;
    for (const ReliabilityBin& bin : reliability(confidences, right)) {
      sizes.push_back({(static_cast<double>(sizes.size()) + 0.5) / 15,
                       static_cast<double>(bin.count) / std::max(1.0, static_cast<double>(confidences.size()))});
      if (bin.count == 0) continue;
      const auto n = static_cast<double>(bin.count);
      bins.push_back({bin.confidence / n, static_cast<double>(bin.right) / n});
    }
    if (confidences.empty()) return chart;
    chart.series = {{"share of the images", sizes, Series::Kind::bars},
                    {"accuracy of a bin against its mean confidence", bins, Series::Kind::dots}};
    return chart;
  }

  Chart coverage() const {
    Chart chart{"Coverage against accuracy", "", "share of the images that are answered", "accuracy there"};
    const auto add = [&](const std::string& name, bool strangers) {
      std::vector<double> trust;
      std::vector<bool> right;
      for (const Record& record : evaluation_.records) {
        if (!readable(record) || (record.truth == no_label && !strangers)) continue;
        trust.push_back(record.verdict.result.trust());
        right.push_back(label_right(record));
      }
      Curve curve = coverage_curve(trust, right);
      // One mistake among the first few images would set the scale for all.
      curve.erase(std::remove_if(curve.begin(), curve.end(), [](const Point& point) { return point.x < 0.01; }),
                  curve.end());
      if (!curve.empty()) chart.series.push_back({name, std::move(curve)});
    };
    add("images that show a label", false);
    if (metrics_.neither.count > 0) add("all images", true);
    double lowest = 1;
    for (const Series& one : chart.series) {
      for (const Point& point : one.points) lowest = std::min(lowest, point.y);
    }
    chart.y_low = std::max(0.0, std::min(0.95, std::floor(lowest * 20) / 20));
    chart.description = "Accuracy of the answers as the threshold of the trust falls and more images are answered.";
    return chart;
  }

  std::string neither() const {
    if (metrics_.neither.count == 0) return "";
    const auto share = [](const std::optional<double>& value, std::size_t whole) {
      const auto part = static_cast<std::size_t>(std::lround(value.value_or(0) * static_cast<double>(whole)));
      return std::vector<std::string>{number(value), text(share_interval(part, whole))};
    };
    const auto row = [](const char* name, const std::vector<std::string>& cells) {
      return std::vector<std::string>{name, cells[0], cells[1]};
    };
    const std::size_t all = metrics_.count + metrics_.neither.count;
    const auto answered =
        static_cast<std::size_t>(std::lround(metrics_.answered.value_or(0) * static_cast<double>(all)));
    std::string out =
        heading("Images that show no label") +
        table("Answers", {"Figure", "Value", "95 % interval"},
              {row("Declined (“neither” or “uncertain”)", share(metrics_.neither.declined, metrics_.neither.count)),
               row("Called “neither”", share(metrics_.neither.called_neither, metrics_.neither.count)),
               row("Share of all images that are answered", share(metrics_.answered, all)),
               row("Accuracy of these answers", share(metrics_.answered_accuracy, answered))});
    std::vector<double> scores;
    std::vector<bool> positive;
    std::array<std::vector<double>, 2> apart;
    for (const Record& record : evaluation_.records) {
      if (!readable(record) || !record.verdict.result.neither()) continue;
      scores.push_back(*record.verdict.result.neither());
      positive.push_back(record.truth == no_label);
      apart[record.truth == no_label ? 1 : 0].push_back(scores.back());
    }
    if (scores.empty()) return out + "<p>This model has no score for neither.</p>\n";
    Chart spread{"Score for neither", "", "score", "share of the images"};
    spread.description = "How the score spreads over the images that show a label and those that show none.";
    const std::array<const char*, 2> names = {"images that show a label", "images that show none"};
    for (std::size_t i = 0; i < apart.size(); ++i) {
      Curve bars;
      for (const double part : histogram(apart[i], histogram_bins)) {
        bars.push_back({(static_cast<double>(bars.size()) + 0.5) / histogram_bins, part});
      }
      spread.series.push_back({names[i], bars, Series::Kind::bars});
    }
    const std::string auc = "AUC " + number(metrics_.neither.auc);
    Chart roc{"ROC curve of the score for neither", auc, "false positive rate", "true positive rate"};
    roc.diagonal = true;
    roc.series = {{auc, roc_curve(scores, positive)}};
    return out + "<div class=\"figures\">\n" + figure(spread) + figure(roc) + "</div>\n";
  }

  std::string mistakes() const {
    std::vector<const Record*> wrong;
    for (const Record& record : evaluation_.records) {
      if (mistaken(record)) wrong.push_back(&record);
    }
    std::stable_sort(wrong.begin(), wrong.end(),
                     [](const Record* a, const Record* b) { return sureness(*a) > sureness(*b); });
    const std::size_t shown = std::min(wrong.size(), most_mistakes);
    std::string out = heading("Worst mistakes") + "<p>" + std::to_string(wrong.size()) + " answers are wrong" +
                      (shown == 0 ? "" : "; the " + std::to_string(shown) + " surest of them") +
                      ". “uncertain” is no mistake.</p>\n<ol class=\"mistakes\">\n";
    for (std::size_t i = 0; i < shown; ++i) {
      const Verdict& verdict = wrong[i]->verdict;
      const std::string truth = escaped(truth_name(wrong[i]->truth, session_.labels()));
      const std::string uri = data_uri(verdict);
      out += "<li>" + (uri.empty() ? "<span class=\"none\">not embedded</span>"
                                   : "<img alt=\"" + truth + " that was called " + escaped(verdict.result.answer()) +
                                         "\" src=\"" + uri + "\">");
      out += truth + " called " + escaped(verdict.result.answer()) + " " + number(sureness(*wrong[i]), "%.3f") +
             "<br>" + code(verdict.path) + "</li>\n";
    }
    return out + "</ol>\n";
  }

  std::string groups() const {
    constexpr std::array<int, 6> sizes = {64, 128, 256, 512, 1024, 2048};
    std::map<std::string, std::pair<std::size_t, std::size_t>> formats;  // Right ones, all.
    std::map<std::size_t, std::pair<std::size_t, std::size_t>> sides;
    for (const Record& record : evaluation_.records) {
      if (!shows_label(record)) continue;
      const int side = std::min(record.verdict.result.width(), record.verdict.result.height());
      const auto group = std::upper_bound(sizes.begin(), sizes.end(), side) - sizes.begin();
      for (auto* counts : {&formats[record.verdict.result.format()], &sides[static_cast<std::size_t>(group)]}) {
        counts->first += label_right(record) ? 1 : 0;
        ++counts->second;
      }
    }
    const auto row = [](const std::string& name, const std::pair<std::size_t, std::size_t>& counts) {
      return std::vector<std::string>{name, std::to_string(counts.second),
                                      number(static_cast<double>(counts.first) / static_cast<double>(counts.second)),
                                      text(share_interval(counts.first, counts.second))};
    };
    std::vector<std::vector<std::string>> by_format;
    std::vector<std::vector<std::string>> by_side;
    for (const auto& [name, counts] : formats) by_format.push_back(row(escaped(name), counts));
    for (const auto& [group, counts] : sides) {
      const std::string from = group == 0 ? "" : std::to_string(sizes.at(group - 1));
      std::string name = from + " to " + std::to_string(group < sizes.size() ? sizes.at(group) - 1 : 0);
      if (group == 0) name = "below " + std::to_string(sizes.front());
      if (group == sizes.size()) name = from + " or more";
      by_side.push_back(row(name, counts));
    }
    return heading("Accuracy by format and size") +
           table("By format", {"Format", "Images", "Accuracy", "95 % interval"}, by_format) +
           table("By the shorter side", {"Pixels", "Images", "Accuracy", "95 % interval"}, by_side);
  }

  std::string unreadable() const {
    if (evaluation_.unreadable == 0) return "";
    std::string out =
        heading("Unreadable images") + "<p>" + std::to_string(evaluation_.unreadable) + " images are in no figure" +
        (evaluation_.unreadable > most_unreadable ? "; the first " + std::to_string(most_unreadable) + " of them"
                                                  : std::string()) +
        ":</p>\n<ul>\n";
    std::size_t listed = 0;
    for (const Record& record : evaluation_.records) {
      if (readable(record) || listed == most_unreadable) continue;
      ++listed;
      out += "<li>" + code(record.verdict.path) + ": " + catdog_status_name(record.verdict.result.status()) + "</li>\n";
    }
    return out + "</ul>\n";
  }

  const Session& session_;
  const Evaluation& evaluation_;
  const Metrics& metrics_;
  std::size_t images_;
  std::vector<std::string> labels_;  // As HTML.
};

}  // namespace

std::string report_page(const Session& session, const Evaluation& evaluation, std::size_t images) {
  return Page(session, evaluation, images).html();
}

}  // namespace catdog::cli
