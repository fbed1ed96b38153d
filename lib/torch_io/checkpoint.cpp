// SPDX-License-Identifier: Apache-2.0
// A pickle is a program. This reader knows only the opcodes that torch.save emits, builds plain values from them, and
// turns every call into an inert value but the two that rebuild tensors.
#include "torch_io/checkpoint.hpp"

#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "model/archive.hpp"
#include "model/network_shapes.hpp"
#include "runtime/file_reader.hpp"
#include "status.hpp"

namespace catdog::torch_io {
namespace {

using core::Failure;
using core::Status;

constexpr std::uint64_t max_file_bytes = std::uint64_t{4} << 30;
constexpr std::uint64_t max_pickle_bytes = 64U << 20;
constexpr std::uint64_t max_storage_bytes = std::uint64_t{4} << 30;  // All together.
constexpr std::int64_t max_elements = 1'000'000'000;
constexpr std::size_t max_values = 4'000'000;
constexpr std::size_t max_dims = 8;

[[noreturn]] void fail(const std::string& problem) { throw Failure(Status::model_format, problem); }

// Names come from a file that nobody vouches for: no control characters into a terminal, no endless message.
std::string printable(std::string name) {
  constexpr std::size_t longest = 200;
  if (name.size() > longest) name = name.substr(0, longest) + "...";
  for (char& c : name) {
    if (c < ' ' || c > '~') c = '?';
  }
  return name;
}

struct Value;
using Ref = std::shared_ptr<Value>;
struct Opaque {};
struct Mark {};
struct Global {
  std::string name;
};
struct Sequence {  // List or tuple.
  std::vector<Ref> items;
};
struct Dict {
  std::vector<std::pair<Ref, Ref>> items;
};
struct Storage {
  std::string type;
  std::string key;
};
struct TensorValue {
  at::Tensor tensor;  // Undefined when it is empty or not of a floating type.
};
struct Value {
  std::variant<Opaque, Mark, Global, Sequence, Dict, Storage, TensorValue, std::int64_t, double, bool, std::string> v;
};

struct ElementKind {
  const char* storage;
  at::ScalarType type;
};
constexpr ElementKind element_kinds[] = {{"FloatStorage", at::kFloat}, {"DoubleStorage", at::kDouble},
                                         {"HalfStorage", at::kHalf},   {"BFloat16Storage", at::kBFloat16},
                                         {"LongStorage", at::kLong},   {"IntStorage", at::kInt},
                                         {"ShortStorage", at::kShort}, {"CharStorage", at::kChar},
                                         {"ByteStorage", at::kByte},   {"BoolStorage", at::kBool}};

class Unpickler {
 public:
  Unpickler(std::span<const std::uint8_t> bytes, const core::Archive& archive) : bytes_(bytes), archive_(archive) {}

  Ref run() {
    for (;;) {
      const std::uint8_t op = byte();
      if (op == '.') return pop();
      step(op);
    }
  }

 private:
  static Ref make(Value value) { return std::make_shared<Value>(std::move(value)); }
  template <typename T>
  void push(T value) {
    if (++values_ > max_values) fail("data.pkl holds too many values");
    Value boxed;
    boxed.v = std::move(value);
    // Kept alive here and released one by one: deep or circular nesting can neither leak nor overflow the call stack.
    all_.push_back(make(std::move(boxed)));
    stack_.push_back(all_.back());
  }
  std::span<const std::uint8_t> take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("data.pkl is truncated");
    const auto part = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return part;
  }
  std::uint8_t byte() { return take(1)[0]; }
  std::uint64_t little(int count) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const std::uint8_t b : take(static_cast<std::uint64_t>(count))) {
      value |= static_cast<std::uint64_t>(b) << shift;
      shift += 8;
    }
    return value;
  }
  std::string text(std::uint64_t count) {
    const auto part = take(count);
    return {part.begin(), part.end()};
  }
  std::string line() {
    std::string result;
    for (std::uint8_t c = byte(); c != '\n'; c = byte()) result += static_cast<char>(c);
    return result;
  }
  Ref pop() {
    if (stack_.empty()) fail("data.pkl is damaged (stack is empty)");
    Ref value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  Ref top() const {
    if (stack_.empty()) fail("data.pkl is damaged (stack is empty)");
    return stack_.back();
  }
  std::vector<Ref> pop_to_mark() {
    std::size_t i = stack_.size();
    while (i > 0 && !std::holds_alternative<Mark>(stack_[i - 1]->v)) --i;
    if (i == 0) fail("data.pkl is damaged (no mark)");
    std::vector<Ref> items(stack_.begin() + static_cast<std::ptrdiff_t>(i), stack_.end());
    stack_.resize(i - 1);
    return items;
  }
  void tuple(std::size_t count) {
    Sequence sequence;
    sequence.items.resize(count);
    for (std::size_t i = count; i > 0; --i) sequence.items[i - 1] = pop();
    push(std::move(sequence));
  }
  void get(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail("data.pkl is damaged (unknown memo)");
    stack_.push_back(found->second);
    if (++values_ > max_values) fail("data.pkl holds too many values");
  }
  void remember(std::uint64_t index) {
    if (++values_ > max_values) fail("data.pkl holds too many values");
    memo_[index] = top();
  }
  void set_items(const std::vector<Ref>& items) {
    if (items.size() % 2 != 0) fail("data.pkl is damaged (odd dictionary)");
    auto* dict = std::get_if<Dict>(&top()->v);
    if (dict == nullptr) return;  // Of an opaque object.
    for (std::size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(items[i], items[i + 1]);
  }
  void append(const std::vector<Ref>& items) {
    auto* list = std::get_if<Sequence>(&top()->v);
    if (list != nullptr) list->items.insert(list->items.end(), items.begin(), items.end());
  }

  void step(std::uint8_t op);
  void reduce();
  void persistent_id();
  TensorValue rebuild_tensor(const Sequence& arguments);
  const at::Tensor& storage_data(const Storage& storage, at::ScalarType type);

  std::span<const std::uint8_t> bytes_;
  const core::Archive& archive_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
  std::int64_t elements_ = 0;
  std::uint64_t storage_bytes_ = 0;
  std::vector<Ref> all_;
  std::vector<Ref> stack_;
  std::map<std::uint64_t, Ref> memo_;
  std::map<std::string, at::Tensor> storages_;

 public:
  Unpickler(const Unpickler&) = delete;
  Unpickler& operator=(const Unpickler&) = delete;
  ~Unpickler() {
    for (const Ref& value : all_) {
      if (auto* list = std::get_if<Sequence>(&value->v)) list->items.clear();
      if (auto* dict = std::get_if<Dict>(&value->v)) dict->items.clear();
    }
  }
};

void Unpickler::step(std::uint8_t op) {
  switch (op) {
    case 0x80:
      if (const int v = byte(); v < 2 || v > 5) fail("pickle protocol " + std::to_string(v) + " is not supported");
      return;
    case 0x95: take(8); return;
    case '(': return push(Mark{});
    case '}': return push(Dict{});
    case ']':
    case ')': return push(Sequence{});
    case 'N': return push(Opaque{});
    case 0x88: return push(true);
    case 0x89: return push(false);
    case 'K': return push(static_cast<std::int64_t>(byte()));
    case 'M': return push(static_cast<std::int64_t>(little(2)));
    case 'J': return push(static_cast<std::int64_t>(static_cast<std::int32_t>(little(4))));
    case 0x8a: {
      const int count = byte();
      if (count > 8) {
        take(static_cast<std::uint64_t>(count));
        return push(Opaque{});
      }
      std::uint64_t value = little(count);
      if (count > 0 && count < 8 && (value >> (8 * count - 1)) != 0) value |= ~std::uint64_t{0} << (8 * count);
      return push(static_cast<std::int64_t>(value));
    }
    case 'G': {
      std::uint64_t bits = 0;
      for (const std::uint8_t b : take(8)) bits = bits << 8 | b;
      return push(std::bit_cast<double>(bits));
    }
    case 'X':
    case 'T':
    case 'B': return push(text(little(4)));
    case 0x8c:
    case 'U':
    case 'C': return push(text(byte()));
    case 0x8d:
    case 0x8e:
    case 0x96: return push(text(little(8)));
    case 'c': {
      std::string name = line();
      name += "." + line();
      return push(Global{std::move(name)});
    }
    case 0x93: {
      const Ref name = pop();
      const Ref module = pop();
      const auto* n = std::get_if<std::string>(&name->v);
      const auto* m = std::get_if<std::string>(&module->v);
      if (n == nullptr || m == nullptr) fail("data.pkl is damaged (global)");
      return push(Global{*m + "." + *n});
    }
    case 'q': return remember(byte());
    case 'r': return remember(little(4));
    case 0x94: return remember(memo_.size());
    case 'h': return get(byte());
    case 'j': return get(little(4));
    case 't':
    case 'l': {
      Sequence s;
      s.items = pop_to_mark();
      return push(std::move(s));
    }
    case 0x85: return tuple(1);
    case 0x86: return tuple(2);
    case 0x87: return tuple(3);
    case 'a': {
      const Ref item = pop();
      return append({item});
    }
    case 'e': {
      const auto items = pop_to_mark();
      return append(items);
    }
    case 's': {
      const Ref value = pop();
      const Ref key = pop();
      return set_items({key, value});
    }
    case 'u': {
      const auto items = pop_to_mark();
      return set_items(items);
    }
    case 0x8f: return push(Opaque{});
    case 0x90: pop_to_mark(); return;
    case 0x91: pop_to_mark(); return push(Opaque{});
    case '0': pop(); return;
    case '1': pop_to_mark(); return;
    case '2': {
      const Ref value = top();
      if (++values_ > max_values) fail("data.pkl holds too many values");
      stack_.push_back(value);
      return;
    }
    case 'b': pop(); return;  // State such as _metadata is not needed.
    case 'R': return reduce();
    case 0x81:
      pop();
      pop();
      return push(Opaque{});
    case 0x92:
      pop();
      pop();
      pop();
      return push(Opaque{});
    case 'Q': return persistent_id();
    default: fail("data.pkl has an opcode (" + std::to_string(op) + ") that torch.save does not write");
  }
}

void Unpickler::reduce() {
  const Ref arguments = pop();
  const Ref callee = pop();
  const auto* function = std::get_if<Global>(&callee->v);
  const auto* list = std::get_if<Sequence>(&arguments->v);
  if (function == nullptr || list == nullptr) return push(Opaque{});
  if (function->name == "collections.OrderedDict") return push(Dict{});
  if (function->name == "torch._utils._rebuild_tensor_v2") return push(rebuild_tensor(*list));
  if (function->name == "torch._utils._rebuild_parameter" && !list->items.empty()) {
    if (const auto* tensor = std::get_if<TensorValue>(&list->items[0]->v)) return push(TensorValue{*tensor});
  }
  push(Opaque{});
}

void Unpickler::persistent_id() {
  const Ref id = pop();
  const auto* tuple = std::get_if<Sequence>(&id->v);
  if (tuple == nullptr || tuple->items.size() != 5) fail("data.pkl is damaged (persistent id)");
  const auto* kind = std::get_if<std::string>(&tuple->items[0]->v);
  const auto* type = std::get_if<Global>(&tuple->items[1]->v);
  const auto* key = std::get_if<std::string>(&tuple->items[2]->v);
  if (kind == nullptr || *kind != "storage" || type == nullptr || key == nullptr) fail("data.pkl is damaged (storage)");
  push(Storage{type->name, *key});
}

const at::Tensor& Unpickler::storage_data(const Storage& storage, at::ScalarType type) {
  const auto known = storages_.find(storage.key);
  if (known != storages_.end()) {
    if (known->second.scalar_type() != type) fail("storage " + printable(storage.key) + " is used with two types");
    return known->second;
  }
  const auto bytes = archive_.read("data/" + storage.key, max_storage_bytes - storage_bytes_);
  if (!bytes) fail("data/" + printable(storage.key) + " is missing");
  storage_bytes_ += bytes->size();
  const std::size_t size = c10::elementSize(type);
  at::Tensor data = at::empty({static_cast<std::int64_t>(bytes->size() / size)}, type);
  if (data.numel() > 0) std::memcpy(data.data_ptr(), bytes->data(), static_cast<std::size_t>(data.numel()) * size);
  return storages_.emplace(storage.key, std::move(data)).first->second;
}

std::vector<std::int64_t> integers(const Ref& value) {
  const auto* list = std::get_if<Sequence>(&value->v);
  if (list == nullptr || list->items.size() > max_dims) fail("a tensor's shape is damaged");
  std::vector<std::int64_t> result;
  for (const Ref& item : list->items) {
    const auto* number = std::get_if<std::int64_t>(&item->v);
    if (number == nullptr || *number < 0 || *number > max_elements) fail("a tensor's size or stride is out of range");
    result.push_back(*number);
  }
  return result;
}

TensorValue Unpickler::rebuild_tensor(const Sequence& arguments) {
  if (arguments.items.size() < 4) fail("a tensor is damaged");
  const auto* storage = std::get_if<Storage>(&arguments.items[0]->v);
  const auto* offset = std::get_if<std::int64_t>(&arguments.items[1]->v);
  if (storage == nullptr || offset == nullptr || *offset < 0 || *offset > max_elements) fail("a tensor is damaged");
  const std::vector<std::int64_t> shape = integers(arguments.items[2]);
  const std::vector<std::int64_t> strides = integers(arguments.items[3]);
  if (shape.size() != strides.size()) fail("a tensor has not as many strides as sizes");
  const ElementKind* kind = nullptr;
  for (const ElementKind& candidate : element_kinds) {
    if (storage->type == std::string("torch.") + candidate.storage) kind = &candidate;
  }
  if (kind == nullptr) return {};
  if (!at::isFloatingType(kind->type)) return {};
  std::int64_t count = 1;
  std::int64_t last = *offset;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != 0 && count > max_elements / shape[i]) fail("a tensor is too large");
    count *= shape[i];
    if (shape[i] > 1) last += (shape[i] - 1) * strides[i];  // Both up to 1e9, eight times: no overflow.
    if (last < 0 || last > max_elements) fail("a tensor reaches beyond its storage");
  }
  const at::Tensor& data = storage_data(*storage, kind->type);
  if (count > 0 && last >= data.numel()) fail("a tensor reaches beyond its storage data/" + printable(storage->key));
  // Strides of zero can make a little storage into much memory, again and again.
  elements_ += count;
  if (elements_ > max_elements) fail("the tensors are too large");
  if (count == 0) return {};
  return {data.as_strided(shape, strides, *offset).to(at::kFloat).contiguous().clone()};
}

// As in Python, the last of several equal keys counts.
std::map<std::string, const Value*> by_name(const Dict& dict) {
  std::map<std::string, const Value*> result;
  for (const auto& [name, value] : dict.items) {
    if (const auto* text = std::get_if<std::string>(&name->v)) result[*text] = value.get();
  }
  return result;
}

StateDict collect(const Dict& dict) {
  StateDict state;
  bool all_prefixed = true;
  const std::string prefix = "module.";
  for (const auto& [name, value] : by_name(dict)) {
    const auto* tensor = std::get_if<TensorValue>(&value->v);
    if (tensor == nullptr || !tensor->tensor.defined()) continue;
    state[name] = tensor->tensor;
    all_prefixed = all_prefixed && name.starts_with(prefix);
  }
  if (state.empty()) {
    fail("no tensors found; expected a dictionary with model_state_dict or state_dict, or a state dict itself");
  }
  if (!all_prefixed) return state;
  StateDict stripped;
  for (const auto& [name, tensor] : state) stripped[name.substr(prefix.size())] = tensor;
  return stripped;
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

StateDict read_checkpoint(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 4 || std::memcmp(bytes.data(), "PK\3\4", 4) != 0) {
    fail("not a zip archive; a file of an old torch.save must be saved again with torch 1.6 or later");
  }
  std::optional<core::Archive> opened;
  try {
    opened.emplace(bytes);
  } catch (const Failure& failure) {
    fail(std::string("the zip archive is damaged or cut short: ") + failure.what());
  }
  const core::Archive& archive = *opened;
  const auto pickle = archive.read("data.pkl", max_pickle_bytes);
  if (!pickle) fail("no data.pkl in it; is it a file of torch.save?");
  if (const auto order = archive.read("byteorder", 16);
      order && std::string(order->begin(), order->end()) != "little") {
    fail("only little-endian checkpoints can be read");
  }
  Unpickler unpickler(*pickle, archive);
  const Ref root = unpickler.run();
  const auto* dict = std::get_if<Dict>(&root->v);
  if (dict == nullptr) fail("its content is not a dictionary; save the model's state_dict(), not the model");
  const auto entries = by_name(*dict);
  for (const char* key : {"model_state_dict", "state_dict"}) {
    const auto found = entries.find(key);
    if (found == entries.end()) continue;
    const auto* inner = std::get_if<Dict>(&found->second->v);
    if (inner == nullptr) fail(std::string(key) + " is not a dictionary");
    return collect(*inner);
  }
  return collect(*dict);
}

StateDict read_checkpoint(const std::filesystem::path& path) {
  const auto bytes = core::read_file(path.string(), max_file_bytes, "checkpoint");
  try {
    return read_checkpoint(std::span<const std::uint8_t>(bytes));
  } catch (const Failure& failure) {
    throw Failure(failure.status(), "checkpoint " + path.string() + ": " + failure.what());
  }
}

void check_state_dict(const core::Network& network, int height, int width, const StateDict& state) {
  std::string problems;
  const auto add = [&problems](const std::string& problem) { problems += (problems.empty() ? "" : "; ") + problem; };
  std::map<std::string, bool> expected;
  for (const core::TensorSpec& spec : core::state_dict_specs(network, height, width)) {
    expected[spec.name] = true;
    const auto found = state.find(spec.name);
    if (found == state.end()) {
      add("missing: " + spec.name);
    } else if (found->second.sizes() != at::IntArrayRef(spec.shape)) {
      add("shape of " + spec.name + " is " + shape_text(found->second.sizes()) + ", expected " +
          shape_text(spec.shape));
    }
  }
  for (const auto& [name, tensor] : state) {
    if (!expected.contains(name) && !name.ends_with("num_batches_tracked")) add("unexpected: " + printable(name));
  }
  if (!problems.empty()) throw Failure(Status::model_format, "weights do not fit the architecture: " + problems);
}

}  // namespace catdog::torch_io
