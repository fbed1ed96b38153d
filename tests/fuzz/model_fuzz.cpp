// SPDX-License-Identifier: Apache-2.0
// Model files: as a whole, and their two parts apart, because a mutated archive seldom gets past its checksums. And
// their signatures.
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "engine/engine.hpp"
#include "engine/native/native_engine.hpp"
#include "model/golden.hpp"
#include "model/model_config.hpp"
#include "model/model_file.hpp"
#include "model/safetensors.hpp"
#include "model/signature.hpp"
#include "status.hpp"
#include "support/model_maker.hpp"
#include "support/signing_key.hpp"

using namespace catdog::core;
using catdog::test_support::Bytes;

namespace {

// Opens, plans and runs it. Big inputs would only be slow.
void use(const ModelFile& model) {
  const InputSpec& input = model.config().input;
  if (!model.has_native_part() || input.width > 64 || input.height > 64) return;
  const auto engine = create_native_engine(model, Precision::fp32);
  const auto context = engine->create_context();
  normalise(golden_image(1, {input.width, input.height}, 2), input, context->input());
  std::vector<float> logits(model.config().outputs());
  context->run(logits);
}

Bytes archive_of(std::span<const std::uint8_t> json, std::span<const std::uint8_t> weights) {
  return catdog::test_support::make_zip({{"m/extra/catdog.json", Bytes(json.begin(), json.end())},
                                         {"m/extra/weights.safetensors", Bytes(weights.begin(), weights.end())}},
                                        false);
}

}  // namespace

// The last byte chooses; for "both parts" the two before it are the length of catdog.json. See make_seeds.cpp.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::span<const std::uint8_t> bytes(data, size - 1);
  try {
    switch (data[size - 1] % 5) {
      case 0: use(ModelFile::from_memory(bytes)); break;
      case 1: parse_model_config({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); break;
      case 2: {
        std::vector<float> aligned(bytes.size() / sizeof(float) + 1);
        if (!bytes.empty()) std::memcpy(aligned.data(), bytes.data(), bytes.size());
        double sum = 0;  // Every value that a view points to must be readable.
        for (const auto& [name, tensor] :
             parse_safetensors({reinterpret_cast<const std::uint8_t*>(aligned.data()), bytes.size()})) {
          for (const float value : tensor.values) sum += value;
        }
        volatile double keep = sum;
        static_cast<void>(keep);
        break;
      }
      case 3: {
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        verify_signature(bytes, text, catdog::test_support::SigningKey().public_key());
        checked_trusted_key(text);
        break;
      }
      default: {
        if (bytes.size() < 2) return 0;
        const std::size_t wanted = bytes[bytes.size() - 2] | (bytes[bytes.size() - 1] << 8U);
        bytes = bytes.first(bytes.size() - 2);
        const std::size_t json_size = std::min(wanted, bytes.size());
        use(ModelFile::from_memory(archive_of(bytes.first(json_size), bytes.subspan(json_size))));
      }
    }
  } catch (const Failure&) {  // The only way to fail.
  }
  return 0;
}
