// SPDX-License-Identifier: Apache-2.0
// Small networks, one for each thing that an engine has to get right, and images for them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "support/model_maker.hpp"

namespace catdog::test_support {

struct NetworkCase {
  std::string name;
  std::string layers;  // JSON, without the brackets.
  int height = 14;
  int width = 18;
  int outputs = 2;
};

// A failing test, and ctest, name the case instead of listing its bytes.
inline void PrintTo(const NetworkCase& each, std::ostream* out) { *out << each.name; }

inline const std::vector<NetworkCase>& network_cases() {
  static const std::string head = R"(,{"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":2})";
  static const std::vector<NetworkCase> cases = {
      {"plain", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1},{"op":"relu"})" + head},
      {"strided", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1,"stride":2},{"op":"relu"},
        {"op":"conv2d","name":"b","out_channels":24,"kernel":3,"stride":[2,1]},{"op":"relu"})" +
                      head},
      {"asymmetric", R"({"op":"conv2d","name":"a","out_channels":20,"kernel":[1,5],"padding":[0,2],"stride":[1,2]},
        {"op":"relu"},{"op":"conv2d","name":"b","out_channels":7,"kernel":[5,1],"padding":[2,0]})" +
                         head},
      {"depthwise", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1},{"op":"relu6"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":3,"padding":1,"groups":16,"bias":false},
        {"op":"batch_norm","name":"bn"},{"op":"relu6"},{"op":"conv2d","name":"c","out_channels":32,"kernel":1})" +
                        head},
      {"depthwise_odd", R"({"op":"conv2d","name":"a","out_channels":11,"kernel":3},{"op":"relu"},
        {"op":"conv2d","name":"b","out_channels":11,"kernel":3,"groups":11,"stride":2})" +
                            head},
      {"grouped", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1},{"op":"relu"},
        {"op":"conv2d","name":"b","out_channels":32,"kernel":3,"padding":1,"groups":4},{"op":"batch_norm","name":"bn"},
        {"op":"relu"},{"op":"conv2d","name":"c","out_channels":6,"kernel":1,"groups":2})" +
                      head},
      {"bn_after_bias", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1},
        {"op":"batch_norm","name":"bn","eps":0.01},{"op":"relu"})" +
                            head},
      {"bn_without_bias", R"({"op":"conv2d","name":"a","out_channels":9,"kernel":3,"padding":1,"bias":false},
        {"op":"batch_norm","name":"bn"},{"op":"relu"})" +
                              head},
      {"bn_alone", R"({"op":"batch_norm","name":"first"},{"op":"conv2d","name":"a","out_channels":18,"kernel":3},
        {"op":"relu"},{"op":"batch_norm","name":"bn"},{"op":"relu6"},{"op":"max_pool","kernel":2},
        {"op":"batch_norm","name":"last"})" +
                       head},
      {"relu_alone",
       R"({"op":"relu"},{"op":"conv2d","name":"a","out_channels":16,"kernel":3},{"op":"max_pool","kernel":2},
        {"op":"relu"},{"op":"relu6"})" +
           head},
      {"relu6", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":5,"bias":true},{"op":"relu6"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":5},{"op":"relu6"})" +
                    head},
      {"add_in_place", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1},{"op":"relu","id":"x"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":3,"padding":1,"bias":false},{"op":"batch_norm","name":"bn"},
        {"op":"relu"},{"op":"conv2d","name":"c","out_channels":16,"kernel":3,"padding":1},{"op":"add","from":"x"},
        {"op":"relu"},{"op":"conv2d","name":"d","out_channels":8,"kernel":3})" +
                           head},
      {"add_after_groups", R"({"op":"conv2d","name":"a","out_channels":8,"kernel":3,"padding":1},{"op":"relu","id":"x"},
        {"op":"conv2d","name":"b","out_channels":8,"kernel":3,"padding":1,"groups":2},{"op":"add","from":"x"},
        {"op":"relu6"})" + head},
      {"add_of_own_input",
       R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1},{"op":"relu","id":"x"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":3,"padding":1},{"op":"add","from":"x"},{"op":"relu"})" +
           head},
      {"add_to_itself", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"id":"x"},{"op":"add","from":"x"},
        {"op":"relu6"})" + head},
      {"add_of_the_pooled",
       R"({"op":"conv2d","name":"a","out_channels":12,"kernel":3},{"op":"max_pool","kernel":2,"id":"x"},
        {"op":"conv2d","name":"b","out_channels":12,"kernel":3,"padding":1},{"op":"relu"},
        {"op":"avg_pool","kernel":3,"stride":1,"padding":1},{"op":"add","from":"x"},{"op":"batch_norm","name":"bn"})" +
           head},
      {"add_before_relu", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1,"id":"x"},{"op":"relu"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":3,"padding":1,"id":"y"},{"op":"relu"},
        {"op":"conv2d","name":"c","out_channels":16,"kernel":3,"padding":1},{"op":"add","from":"x"},
        {"op":"batch_norm","name":"bn"},{"op":"add","from":"y"})" +
                              head},
      {"add_nested", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1},{"op":"relu","id":"outer"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":3,"padding":1},{"op":"relu","id":"inner"},
        {"op":"conv2d","name":"c","out_channels":16,"kernel":1},{"op":"relu"},
        {"op":"conv2d","name":"d","out_channels":16,"kernel":3,"padding":1},{"op":"add","from":"inner"},
        {"op":"add","from":"outer"},{"op":"relu"},
        {"op":"conv2d","name":"e","out_channels":16,"kernel":1},{"op":"relu"},
        {"op":"conv2d","name":"f","out_channels":16,"kernel":1},{"op":"add","from":"inner"},{"op":"add","from":"outer"})" +
                         head},
      {"add_read_twice", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1,"id":"x"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":1},{"op":"relu"},
        {"op":"conv2d","name":"c","out_channels":16,"kernel":1},{"op":"add","from":"x"},{"op":"relu"},
        {"op":"conv2d","name":"d","out_channels":16,"kernel":1},{"op":"add","from":"x"})" +
                             head},
      {"add_of_dropout",
       R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1},{"op":"dropout","id":"x"},
        {"op":"relu"},{"op":"conv2d","name":"b","out_channels":16,"kernel":1},{"op":"relu"},
        {"op":"conv2d","name":"c","out_channels":16,"kernel":1},{"op":"add","from":"x"})" +
           head},
      {"pools", R"({"op":"conv2d","name":"a","out_channels":17,"kernel":3,"padding":1},
        {"op":"max_pool","kernel":3,"stride":2,"padding":1},{"op":"avg_pool","kernel":[3,2],"stride":[2,1],"padding":[1,1]},
        {"op":"conv2d","name":"b","out_channels":5,"kernel":1},{"op":"avg_pool","kernel":2})" +
                    head},
      {"same_padding", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"stride":2,"padding":[0,0,1,1]},
        {"op":"relu6"},{"op":"conv2d","name":"b","out_channels":16,"kernel":5,"stride":2,"padding":[1,2,2,1],"groups":16},
        {"op":"batch_norm","name":"bn"},{"op":"relu6"},{"op":"conv2d","name":"c","out_channels":6,"kernel":1})" +
                           head},
      {"same_padding_pools",
       R"({"op":"conv2d","name":"a","out_channels":17,"kernel":3,"padding":[2,0,0,1]},
        {"op":"max_pool","kernel":3,"stride":2,"padding":[0,0,1,1]},
        {"op":"avg_pool","kernel":3,"stride":2,"padding":[0,1,1,0]})" +
           head},
      {"inputs", R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1,"id":"x"},{"op":"relu","id":"y"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":1,"input":"x"},{"op":"relu6","id":"z"},
        {"op":"relu","input":"x"},{"op":"add","from":"z"},{"op":"batch_norm","name":"bn","input":"y"},
        {"op":"conv2d","name":"c","out_channels":16,"kernel":1},{"op":"add","from":"z"})" +
                     head},
      {"input_behind_another_node",
       R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1,"id":"x"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":1,"id":"y"},{"op":"relu","input":"x"},{"op":"add","from":"y"})" +
           head},
      {"input_of_the_addend",
       R"({"op":"conv2d","name":"a","out_channels":16,"kernel":3,"padding":1,"id":"x"},{"op":"relu"},
        {"op":"conv2d","name":"b","out_channels":16,"kernel":1},{"op":"add","from":"x","id":"y"},{"op":"relu"},
        {"op":"max_pool","kernel":2,"input":"x"})" +
           head},
      {"input_last", R"({"op":"conv2d","name":"a","out_channels":9,"kernel":3},{"op":"global_avg_pool"},
        {"op":"linear","name":"f1","out_features":3,"id":"x"},{"op":"linear","name":"f2","out_features":4},
        {"op":"dropout","input":"x"})",
       14, 18, 3},
      {"log_sum_exp", R"({"op":"conv2d","name":"a","out_channels":9,"kernel":3},{"op":"global_avg_pool","id":"x"},
        {"op":"linear","name":"f1","out_features":7},{"op":"log_sum_exp","groups":[2,4,1]},{"op":"relu","id":"y"},
        {"op":"linear","name":"f2","out_features":3,"input":"x"},{"op":"add","from":"y"})",
       14, 18, 3},
      {"log_sum_exp_last", R"({"op":"conv2d","name":"a","out_channels":9,"kernel":3},{"op":"global_avg_pool"},
        {"op":"log_sum_exp","groups":[6,3],"sharpness":2.5})"},
      {"concat", R"({"op":"conv2d","name":"a","out_channels":9,"kernel":3},{"op":"global_avg_pool","id":"x"},
        {"op":"linear","name":"f1","out_features":7,"id":"y"},{"op":"log_sum_exp","groups":[3,4],"id":"z"},{"op":"relu"},
        {"op":"linear","name":"f2","out_features":2,"input":"x"},{"op":"concat","from":["z","y"]},{"op":"relu"},
        {"op":"linear","name":"f3","out_features":3})",
       14, 18, 3},
      {"concat_last", R"({"op":"conv2d","name":"a","out_channels":9,"kernel":3},{"op":"global_avg_pool","id":"x"},
        {"op":"linear","name":"f1","out_features":1},{"op":"concat","from":["x"]})",
       14, 18, 10},
      {"flatten", R"({"op":"conv2d","name":"a","out_channels":10,"kernel":3,"stride":2},{"op":"relu"},
        {"op":"max_pool","kernel":2},{"op":"linear","name":"f1","out_features":33,"bias":false},{"op":"relu"},
        {"op":"dropout"},{"op":"linear","name":"f2","out_features":5})",
       14, 18, 5},
      {"flatten_image", R"({"op":"linear","name":"f1","out_features":3})", 9, 8, 3},
      {"linear_residual", R"({"op":"conv2d","name":"a","out_channels":19,"kernel":3},{"op":"global_avg_pool","id":"x"},
        {"op":"linear","name":"f1","out_features":19},{"op":"add","from":"x"},{"op":"relu6"},
        {"op":"linear","name":"f2","out_features":4})",
       14, 18, 4},
      {"ends_in_relu",
       R"({"op":"conv2d","name":"a","out_channels":3,"kernel":3},{"op":"global_avg_pool"},{"op":"relu"})", 14, 18, 3},
  };
  return cases;
}

inline ModelRecipe recipe_for(const NetworkCase& network, std::uint32_t seed = 1) {
  ModelRecipe recipe;
  recipe.name = network.name;
  recipe.architecture = R"({"name":")" + network.name + R"(","layers":[)" + network.layers + "]}";
  recipe.height = network.height;
  recipe.width = network.width;
  recipe.seed = seed;
  recipe.labels.clear();
  for (int i = 0; i < network.outputs; ++i) recipe.labels.push_back("label" + std::to_string(i));
  return recipe;
}

// ModelRecipe::json_patch for the largest absolute value of each layer's output.
inline std::string ranges_patch(const std::vector<double>& ranges) {
  std::string numbers;
  for (const double range : ranges) numbers += (numbers.empty() ? "" : ", ") + std::to_string(std::max(range, 1e-5));
  return R"({"calibration": {"quantization": {"ranges": [)" + numbers + "]}}}";
}

inline core::ModelFile model_for(const ModelRecipe& recipe) {
  return core::ModelFile::from_memory(make_model_archive(recipe));
}

// 3×height×width, about as large as normalised pixels are.
inline std::vector<float> random_image(int height, int width, std::uint32_t seed) {
  std::vector<float> values(static_cast<std::size_t>(3) * height * width);
  std::uint32_t state = seed * 2654435761U + 12345U;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(static_cast<std::int32_t>(state >> 8U) - (1 << 23)) / static_cast<float>(1 << 22);
  }
  return values;
}

inline void fill(const core::InputTensor& tensor, const std::vector<float>& image) {
  const int pixels = tensor.height * tensor.width;
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < pixels; ++i) {
      const std::size_t at = tensor.layout == core::Layout::nhwc ? static_cast<std::size_t>(i) * 3 + c
                                                                 : static_cast<std::size_t>(c) * pixels + i;
      const float value = image[static_cast<std::size_t>(c) * pixels + i];
      if (tensor.type == core::ElementType::float32) {
        static_cast<float*>(tensor.data)[at] = value;
      } else {  // Round to nearest even.
        std::uint32_t bits = 0;
        std::memcpy(&bits, &value, sizeof bits);
        bits += 0x7FFFU + ((bits >> 16U) & 1U);
        static_cast<std::uint16_t*>(tensor.data)[at] = static_cast<std::uint16_t>(bits >> 16U);
      }
    }
  }
}

inline std::vector<float> run(const core::Engine& engine, const std::vector<float>& image, std::size_t outputs) {
  const auto context = engine.create_context();
  fill(context->input(), image);
  std::vector<float> logits(outputs);
  context->run(logits);
  return logits;
}

}  // namespace catdog::test_support
