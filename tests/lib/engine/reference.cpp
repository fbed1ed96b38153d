// SPDX-License-Identifier: Apache-2.0
#include "lib/engine/reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace catdog::test_support {
namespace {

using core::ModelFile;

struct Tensor {
  int c = 0;
  int h = 1;
  int w = 1;
  std::vector<double> v;
  Tensor(int channels, int height, int width)
      : c(channels), h(height), w(width), v(static_cast<std::size_t>(channels) * height * width) {}
  double& at(int channel, int y, int x) { return v[(static_cast<std::size_t>(channel) * h + y) * w + x]; }
  double at(int channel, int y, int x) const { return v[(static_cast<std::size_t>(channel) * h + y) * w + x]; }
};

class Reference {
 public:
  Reference(const ModelFile& model, Tensor image) : model_(model), x_(std::move(image)) {}

  std::vector<double> run(std::vector<double>* ranges) {
    for (const core::Layer& layer : model_.config().network.layers) {
      if (!layer.input.empty()) x_ = kept_.at(layer.input);
      std::visit([this](const auto& op) { apply(op); }, layer.op);
      if (!layer.id.empty()) kept_.insert_or_assign(layer.id, x_);
      if (ranges == nullptr) continue;
      double largest = 0;
      for (const double value : x_.v) largest = std::max(largest, std::abs(value));
      ranges->push_back(largest);
    }
    return x_.v;
  }

 private:
  std::span<const float> weights(const std::string& name) const { return model_.weights().at(name).values; }

  static int outputs(int side, int kernel, int stride, int padding) { return (side + padding - kernel) / stride + 1; }

  template <typename Layer>
  static Tensor output_of(const Layer& l, int channels, const Tensor& x) {
    return {channels, outputs(x.h, l.kernel.h, l.stride.h, l.padding.top + l.padding.bottom),
            outputs(x.w, l.kernel.w, l.stride.w, l.padding.left + l.padding.right)};
  }

  void apply(const core::ConvLayer& l) {
    Tensor y = output_of(l, l.out_channels, x_);
    const auto weight = weights(l.name + ".weight");
    const int in_group = x_.c / l.groups;
    const int out_group = l.out_channels / l.groups;
    for (int o = 0; o < y.c; ++o) {
      for (int i = 0; i < y.h; ++i) {
        for (int j = 0; j < y.w; ++j) {
          double sum = l.bias ? weights(l.name + ".bias")[o] : 0.0;
          for (int k = 0; k < in_group; ++k) {
            for (int a = 0; a < l.kernel.h; ++a) {
              for (int b = 0; b < l.kernel.w; ++b) {
                const int row = i * l.stride.h - l.padding.top + a;
                const int column = j * l.stride.w - l.padding.left + b;
                if (row < 0 || row >= x_.h || column < 0 || column >= x_.w) continue;
                const std::size_t at = ((static_cast<std::size_t>(o) * in_group + k) * l.kernel.h + a) * l.kernel.w + b;
                sum += static_cast<double>(weight[at]) * x_.at(o / out_group * in_group + k, row, column);
              }
            }
          }
          y.at(o, i, j) = sum;
        }
      }
    }
    x_ = std::move(y);
  }

  void apply(const core::BatchNormLayer& l) {
    const std::size_t pixels = static_cast<std::size_t>(x_.h) * x_.w;
    for (std::size_t i = 0; i < x_.v.size(); ++i) {
      const std::size_t c = i / pixels;
      const double normal =
          (x_.v[i] - weights(l.name + ".running_mean")[c]) / std::sqrt(weights(l.name + ".running_var")[c] + l.eps);
      x_.v[i] = normal * weights(l.name + ".weight")[c] + weights(l.name + ".bias")[c];
    }
  }

  void apply(const core::ReluLayer& l) {
    for (double& value : x_.v) value = std::clamp(value, 0.0, l.six ? 6.0 : std::numeric_limits<double>::max());
  }

  void apply(const core::AddLayer& l) {
    const Tensor& other = kept_.at(l.from);
    if (other.v.size() != x_.v.size()) throw std::runtime_error("shapes differ");
    for (std::size_t i = 0; i < x_.v.size(); ++i) x_.v[i] += other.v[i];
  }

  void apply(const core::PoolLayer& l) {
    Tensor y = output_of(l, x_.c, x_);
    for (int c = 0; c < y.c; ++c) {
      for (int i = 0; i < y.h; ++i) {
        for (int j = 0; j < y.w; ++j) {
          double largest = -std::numeric_limits<double>::infinity();
          double sum = 0;
          int count = 0;
          for (int row = i * l.stride.h - l.padding.top; row < i * l.stride.h - l.padding.top + l.kernel.h; ++row) {
            for (int column = j * l.stride.w - l.padding.left; column < j * l.stride.w - l.padding.left + l.kernel.w;
                 ++column) {
              if (row < 0 || row >= x_.h || column < 0 || column >= x_.w) continue;
              largest = std::max(largest, x_.at(c, row, column));
              sum += x_.at(c, row, column);
              ++count;
            }
          }
          y.at(c, i, j) = l.max ? largest : sum / count;
        }
      }
    }
    x_ = std::move(y);
  }

  void apply(const core::GlobalAvgPoolLayer&) {
    core::PoolLayer whole;
    whole.max = false;
    whole.kernel = {x_.h, x_.w};
    whole.stride = whole.kernel;
    apply(whole);
  }

  void apply(const core::LinearLayer& l) {
    Tensor y(l.out_features, 1, 1);
    for (int o = 0; o < l.out_features; ++o) {
      double sum = l.bias ? weights(l.name + ".bias")[o] : 0.0;
      for (std::size_t i = 0; i < x_.v.size(); ++i) {
        sum += static_cast<double>(weights(l.name + ".weight")[o * x_.v.size() + i]) * x_.v[i];
      }
      y.at(o, 0, 0) = sum;
    }
    x_ = std::move(y);
  }

  void apply(const core::LogSumExpLayer& l) {
    Tensor y(static_cast<int>(l.groups.size()), 1, 1);
    std::size_t first = 0;
    for (std::size_t o = 0; o < l.groups.size(); ++o) {
      double sum = 0;
      for (int i = 0; i < l.groups[o]; ++i) sum += std::exp(l.sharpness * x_.v[first++]);
      y.at(static_cast<int>(o), 0, 0) = std::log(sum) / l.sharpness;
    }
    x_ = std::move(y);
  }

  void apply(const core::ConcatLayer& l) {
    for (const std::string& id : l.from) {
      const Tensor& other = kept_.at(id);
      x_.v.insert(x_.v.end(), other.v.begin(), other.v.end());
      x_.c += other.c;
    }
  }

  void apply(const core::DropoutLayer&) {}

  const ModelFile& model_;
  Tensor x_;
  std::map<std::string, Tensor> kept_;
};

}  // namespace

std::vector<double> reference_forward(const ModelFile& model, const std::vector<float>& image,
                                      std::vector<double>* ranges) {
  Tensor x(3, model.config().input.height, model.config().input.width);
  x.v.assign(image.begin(), image.end());
  return Reference(model, std::move(x)).run(ranges);
}

}  // namespace catdog::test_support
