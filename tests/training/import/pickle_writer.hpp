// SPDX-License-Identifier: Apache-2.0
// Writes torch.save's zip format by hand, so that tests can make what PyTorch never would.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/model_maker.hpp"

namespace catdog::test_support {

class Pickle {
 public:
  // With the float storage "0": 0, 1, 2, … 7.
  Pickle() { storage("0", at::arange(8, at::kFloat)); }

  Pickle& raw(const std::string& opcodes) {
    text_ += opcodes;
    return *this;
  }
  Pickle& dict() { return raw("}"); }
  Pickle& set() { return raw("s"); }
  Pickle& text(const std::string& value) { return raw("X" + little(value.size(), 4) + value); }
  Pickle& number(std::int64_t value) {
    return raw(std::string("\x8a\x08", 2) + little(static_cast<std::uint64_t>(value), 8));
  }
  Pickle& global(const std::string& module, const std::string& name) { return raw("c" + module + "\n" + name + "\n"); }
  Pickle& numbers(const std::vector<std::int64_t>& values) {
    raw("(");
    for (const std::int64_t value : values) number(value);
    return raw("t");
  }
  Pickle& storage_id(const std::string& type = "FloatStorage", const std::string& key = "0") {
    raw("(").text("storage").global("torch", type).text(key).text("cpu").number(8);
    return raw("tQ");
  }
  Pickle& tensor(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides,
                 std::int64_t offset = 0, const std::string& type = "FloatStorage", const std::string& key = "0") {
    global("torch._utils", "_rebuild_tensor_v2").raw("(").storage_id(type, key).number(offset);
    numbers(shape).numbers(strides).raw("\x89");
    return global("collections", "OrderedDict").raw(")RtR");
  }
  Pickle& storage(const std::string& key, const at::Tensor& values) {
    const auto* bytes = static_cast<const std::uint8_t*>(values.data_ptr());
    storages_["data/" + key] = Bytes(bytes, bytes + values.nbytes());
    return *this;
  }
  Pickle& entry(const std::string& name, const std::string& content) {
    storages_[name] = Bytes(content.begin(), content.end());
    return *this;
  }

  const std::string& opcodes() const { return text_; }
  Bytes archive(bool deflate = false) const {
    const std::string all = std::string("\x80\x02", 2) + text_ + ".";
    std::vector<std::pair<std::string, Bytes>> entries{{"archive/data.pkl", Bytes(all.begin(), all.end())}};
    for (const auto& [name, bytes] : storages_) entries.emplace_back("archive/" + name, bytes);
    return make_zip(entries, deflate);
  }

 private:
  static std::string little(std::uint64_t value, int count) {
    std::string result;
    for (int i = 0; i < count; ++i) result += static_cast<char>(value >> (8 * i) & 0xffU);
    return result;
  }

  std::string text_;
  std::map<std::string, Bytes> storages_;
};

}  // namespace catdog::test_support
