// SPDX-License-Identifier: Apache-2.0
// What an endpoint sees of HTTP: a whole request, and the reply it makes. Nothing here knows of sockets.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace catdog::service {

using Clock = std::chrono::steady_clock;

struct Header {
  std::string name;
  std::string value;
};

// A request that was read whole. Lives as long as its exchange; body and strings are its own.
struct Request {
  std::string method;  // In upper case.
  std::string path;    // Percent-decoded, without the query.
  std::string query;   // As sent, without '?'.
  std::vector<Header> headers;
  std::string body;
  std::string request_id;      // X-Request-Id when the client sent a sound one, else made here.
  std::string client;          // Address of the peer, without port.
  Clock::time_point received;  // First byte.
  Clock::time_point deadline;  // The answer is worthless after it.

  // The first header of that name, in any case; "" when there is none.
  std::string_view header(std::string_view name) const noexcept;
  bool has_header(std::string_view name) const noexcept;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<Header> headers;  // More than Content-Type, Content-Length, Connection, Date, Server and X-Request-Id.
  std::string body;
  std::string problem;  // Type of the problem that this reply is; "" for none. For metrics and the log.
};

// An error as RFC 9457 has it; thrown by whatever refuses a request, and turned into application/problem+json.
class Problem : public std::exception {
 public:
  // `type` is the stable last part of the problem's URI ("too-large"); `detail` says what is wrong and what to do.
  Problem(int status, std::string type, std::string detail, std::vector<Header> headers = {})
      : status_(status), type_(std::move(type)), detail_(std::move(detail)), headers_(std::move(headers)) {}

  int status() const noexcept { return status_; }
  const std::string& type() const noexcept { return type_; }
  const std::string& detail() const noexcept { return detail_; }
  const std::vector<Header>& headers() const noexcept { return headers_; }
  const char* what() const noexcept override { return detail_.c_str(); }

 private:
  int status_;
  std::string type_;
  std::string detail_;
  std::vector<Header> headers_;
};

// The reply for a problem: application/problem+json with type, title, status, detail, request_id.
Response problem_response(const Problem& problem, const std::string& request_id);

// ---- Pictures in a request (codecs)

// One encoded picture out of a request. `bytes` points into the request's body or into `owned`.
struct Upload {
  std::string name;        // File name as the client gave it, "" when it gave none. Untrusted.
  std::string owned;       // Decoded base64, else empty.
  std::string_view bytes;  // Set even when `owned` holds them.
};

// The pictures of POST /predict: multipart/form-data with one or more `file` fields, JSON {"image": base64}, or the raw
// body. Never empty; throws Problem (400, 413 for more than max_pictures, 415).
std::vector<Upload> read_uploads(const Request& request, std::size_t max_pictures);

// ---- Verdicts

struct Timings {
  double queue_ms = 0;
  double decode_ms = 0;
  double preprocess_ms = 0;
  double infer_ms = 0;
  double total_ms = 0;  // From the first byte to the verdict.
};

// The service's view of one picture's result, for rendering.
struct Verdict {
  int status = 200;          // HTTP status that this picture alone would get.
  std::string problem_type;  // "" when status is 200.
  std::string problem_detail;
  std::string name;  // The upload's.
  int predicted_class = -1;
  std::string label;
  double confidence = 0;
  bool abstained = false;
  std::vector<std::pair<std::string, double>> probabilities;  // By label index.
  std::string format;
  int width = 0;
  int height = 0;
  Timings timings;
};

struct ModelInfo {
  std::string name;
  std::string version;
  std::string sha256;
  std::string engine;
  std::string precision;
  std::vector<std::string> labels;
  int input_width = 0;
  int input_height = 0;
};

// The body of POST /predict. One picture: the object itself; several: {"results": [...]} in order, one status per item.
std::string render_prediction(const std::vector<Verdict>& verdicts, const ModelInfo& model,
                              const std::string& request_id);

}  // namespace catdog::service
