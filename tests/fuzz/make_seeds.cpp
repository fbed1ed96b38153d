// SPDX-License-Identifier: Apache-2.0
// make_seeds FOLDER: writes the seeds of each fuzz target to FOLDER/<target>.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/images.hpp"
#include "support/model_maker.hpp"
#include "support/signing_key.hpp"

namespace {

namespace fs = std::filesystem;
using namespace catdog::test_support;

void write(const fs::path& file, const Bytes& bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("can't write " + file.string());
}

Bytes with_mode(Bytes bytes, std::uint8_t mode) {
  bytes.push_back(mode);
  return bytes;
}

void write_images(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(CATDOG_SOURCE_DIR "/tests/golden/images")) {
    write(folder / entry.path().filename(), with_mode(read_file(entry.path().string()), 0));
  }
  // Larger than the blocks in which the decoders read: noise, which hardly compresses.
  Pixels noise = make_scene(400, 300);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : noise.rgb) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::uint8_t>(state >> 24U);
  }
  const std::pair<const char*, Bytes> large[] = {{"large.jpg", encode_jpeg(noise)},
                                                 {"large_progressive.jpg", encode_jpeg(noise, {.progressive = true})},
                                                 {"large.png", encode_png(noise)},
                                                 {"large_interlaced.png", encode_png(noise, {.interlaced = true})},
                                                 {"large.webp", encode_webp(noise, {.lossless = true})}};
  for (const auto& [name, bytes] : large) {
    if (bytes.size() <= 65'536) throw std::runtime_error(std::string(name) + " is not large");
    write(folder / name, with_mode(bytes, 0));
  }
  // Odd mode: raw pixels; their row stride, width, height and region at the end.
  for (std::uint8_t format = 0; format < 12; ++format) {
    Bytes raw(16 * 12 * 4, 99);
    const std::uint64_t row_stride = 64;
    const std::int32_t size[2] = {12, 12};
    raw.resize(raw.size() + 24);
    std::memcpy(&raw[raw.size() - 24], &row_stride, 8);
    std::memcpy(&raw[raw.size() - 16], size, 8);
    if (format % 2 == 1) std::memcpy(&raw[raw.size() - 8], "\2\1\5\7", 4);
    write(folder / ("raw" + std::to_string(format)), with_mode(raw, static_cast<std::uint8_t>(format * 4 + 1)));
  }
}

void write_models(const fs::path& folder) {
  ModelRecipe residual;
  residual.architecture = R"({"name": "residual", "layers": [
    {"op": "conv2d", "name": "a", "out_channels": 4, "kernel": 3, "stride": 2, "padding": 1}, {"op": "relu6"},
    {"op": "global_avg_pool"}, {"op": "linear", "name": "fc", "out_features": 2}]})";
  int number = 0;
  for (ModelRecipe recipe : {ModelRecipe{}, residual}) {
    recipe.width = recipe.height = 16;
    const std::string name = std::to_string(number++);
    write(folder / ("archive" + name), with_mode(make_model_archive(recipe), 0));
    recipe.format_version = 1;  // Its two parts can be taken apart.
    const std::string json = make_catdog_json(recipe);
    const Bytes weights = make_safetensors(make_weights(recipe));
    write(folder / ("old" + name), with_mode(make_model_archive(recipe), 0));
    write(folder / ("json" + name), with_mode(Bytes(json.begin(), json.end()), 1));
    write(folder / ("weights" + name), with_mode(weights, 2));
    Bytes both(json.begin(), json.end());
    both.insert(both.end(), weights.begin(), weights.end());
    both.push_back(static_cast<std::uint8_t>(json.size()));
    both.push_back(static_cast<std::uint8_t>(json.size() >> 8U));
    write(folder / ("both" + name), with_mode(both, 4));
  }
  const SigningKey key;
  for (const std::string& text : {key.sign({}), "untrusted comment: a key\n" + key.public_key() + "\n"}) {
    write(folder / ("signature" + std::to_string(text.size())), with_mode(Bytes(text.begin(), text.end()), 3));
  }
}

// Any bytes are a sequence of calls: some of each kind.
void write_calls(const fs::path& folder) {
  for (std::uint32_t seed = 1; seed <= 16; ++seed) {
    Bytes bytes(40 * seed);
    std::uint32_t state = seed;
    for (std::uint8_t& byte : bytes) {
      state = state * 1664525U + 1013904223U;
      byte = static_cast<std::uint8_t>(state >> 24U);
    }
    write(folder / std::to_string(seed), bytes);
  }
}

Bytes to_bytes(const std::string& text) { return Bytes(text.begin(), text.end()); }

std::string request(const std::string& line, const std::string& headers, const std::string& body = "") {
  const std::string length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return line + " HTTP/1.1\r\nHost: a\r\n" + headers + length + "\r\n" + body;
}

// What session_fuzz.cpp takes: what clients send over one connection.
void write_sessions(const fs::path& folder) {
  const Bytes image = encode_jpeg(make_scene(40, 30));
  const std::string jpeg(image.begin(), image.end());
  const std::string form =
      "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n" + jpeg + "\r\n--B--\r\n";
  const std::string form_type = "Content-Type: multipart/form-data; boundary=B\r\n";
  const std::string json_type = "Content-Type: application/json\r\n";
  const std::string infer = "POST /v2/models/catdog/infer";
  const std::pair<const char*, std::string> sessions[] = {
      {"form", request("POST /predict", form_type, form)},
      {"bytes", request("POST /predict", "Content-Type: image/jpeg\r\n", jpeg)},
      {"pipelined", request("GET /health/live", "") + request("GET /metrics", "") + request("POST /predict", "", jpeg)},
      {"continue", request("POST /predict", "Expect: 100-continue\r\n", jpeg)},
      {"chunked", "POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
      {"old", "GET /model HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"},
      {"feedback", request("POST /feedback", json_type, R"({"feedback_token": "a.b", "label": "cat"})")},
      {"oip", request(infer, json_type,
                      R"({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["Zg=="]}]})")},
      {"reload", request("POST /admin/reload", "Authorization: Bearer t\r\n")},
      {"unread", request("GET /", "", "abc") + request("OPTIONS /predict", "") + request("PUT /nowhere", "", "x")}};
  for (const auto& [name, bytes] : sessions) write(folder / name, to_bytes(bytes));
}

// Bodies as real clients sent them, before which the targets want the boundary or a mode.
void write_golden_requests(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(CATDOG_SOURCE_DIR "/tests/service/formats/golden")) {
    const Bytes body = read_file(entry.path().string());
    const bool form = entry.path().extension() == ".form";
    Bytes seed{'0'};
    if (form) {  // The first line is "--", the boundary, CR LF.
      const auto end = std::find(body.begin(), body.end(), '\r');
      seed.assign(body.begin() + 2, end);
      seed.push_back('\n');
    }
    seed.insert(seed.end(), body.begin(), body.end());
    write(folder / (form ? "multipart" : "json") / entry.path().filename(), seed);
  }
}

// What multipart_fuzz.cpp, json_fuzz.cpp and oip_fuzz.cpp take.
void write_requests(const fs::path& folder) {
  const std::string file =
      "Content-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n";
  write(folder / "multipart/one", to_bytes("B\n--B\r\n" + file + "\r\nbytes\r\n--B--\r\n"));
  write(folder / "multipart/two",
        to_bytes("\"a b\"\n--a b\r\n" + file + "\r\n\r\n--a b\r\n" + file + "\r\nx\r\n--a b--"));
  write(folder / "json/image", to_bytes(R"(0{"image": "data:image/gif;base64,R0lGODlhAQABAIAAAP"})"));
  write(folder / "json/images", to_bytes(R"(0{"images": ["Zg==", "Zm8", "-_-_"]})"));
  write(folder / "json/feedback", to_bytes(R"(1{"request_id": "a", "label": "cat"})"));
  const std::string head = R"({"id": "1", "inputs": [{"name": "image", "datatype": "BYTES", "shape": [2], )";
  const std::string tail =
      R"(}], "outputs": [{"name": "label"}, {"name": "probabilities", "parameters": {"binary_data": true}}]})";
  write(folder / "oip/json", to_bytes("\xff\xff" + head + R"("data": ["Zg==", "Zm8="])" + tail));
  const std::string binary = head + R"("parameters": {"binary_data_size": 10})" + tail;
  const std::string length{static_cast<char>(binary.size() & 0xffU), static_cast<char>(binary.size() >> 8U)};
  write(folder / "oip/binary", to_bytes(length + binary + std::string("\1\0\0\0x\1\0\0\0y", 10)));
  write(folder / "oip/raw", to_bytes(std::string("\0\0image", 7)));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("usage: make_seeds FOLDER");
  const fs::path folder = argv[1];
  write_images(folder / "image");
  write_models(folder / "model");
  write_calls(folder / "capi");
  write_requests(folder);
  write_golden_requests(folder);
  write_sessions(folder / "session");
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "make_seeds: %s\n", error.what());
  return 1;
}
