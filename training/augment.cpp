// SPDX-License-Identifier: Apache-2.0
#include "augment.hpp"

#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "image/preprocess.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

// Random resized crop (Szegedy et al., Going deeper with convolutions, 2015) with a milder aspect ratio, 4:3 to 3:4.
cv::Rect random_crop(const cv::Size size, double scale_min, Random& random) {
  const double scale = std::sqrt(random.uniform(scale_min, 1.0));
  const double aspect = std::exp(random.uniform(-0.29, 0.29) * 0.5);
  const double w = std::min(1.0, scale * aspect) * size.width;
  const double h = std::min(1.0, scale / aspect) * size.height;
  const int width = std::clamp(static_cast<int>(std::lround(w)), 1, size.width);
  const int height = std::clamp(static_cast<int>(std::lround(h)), 1, size.height);
  const int x = static_cast<int>(random.below(static_cast<std::uint64_t>(size.width - width) + 1));
  const int y = static_cast<int>(random.below(static_cast<std::uint64_t>(size.height - height) + 1));
  return {x, y, width, height};
}

std::uint8_t to_byte(float value) { return static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F)); }

// Brightness, contrast around the image's mean, saturation around each pixel's grey, in one pass.
void jitter_colour(cv::Mat& rgb, double strength, Random& random) {
  const auto brightness = static_cast<float>(random.uniform(1 - strength, 1 + strength));
  const auto contrast = static_cast<float>(random.uniform(1 - strength, 1 + strength));
  const auto saturation = static_cast<float>(random.uniform(1 - 1.5 * strength, 1 + 1.5 * strength));
  const cv::Scalar mean = cv::mean(rgb);
  const float centre = static_cast<float>(mean[0] + mean[1] + mean[2]) / 3 * brightness;
  const float gain = brightness * contrast;
  const float offset = centre * (1 - contrast);
  for (int y = 0; y < rgb.rows; ++y) {
    std::uint8_t* p = rgb.ptr<std::uint8_t>(y);
    for (int x = 0; x < rgb.cols; ++x, p += 3) {
      const float r = p[0] * gain + offset;
      const float g = p[1] * gain + offset;
      const float b = p[2] * gain + offset;
      const float grey = (r + g + b) / 3;
      p[0] = to_byte(grey + (r - grey) * saturation);
      p[1] = to_byte(grey + (g - grey) * saturation);
      p[2] = to_byte(grey + (b - grey) * saturation);
    }
  }
}

// Random erasing (Zhong et al., 2017) with the image's mean colour.
void erase(cv::Mat& rgb, Random& random) {
  const double area = random.uniform(0.02, 0.2);
  const double aspect = std::exp(random.uniform(-0.7, 0.7));
  const int w = std::clamp(static_cast<int>(rgb.cols * std::sqrt(area * aspect)), 1, rgb.cols);
  const int h = std::clamp(static_cast<int>(rgb.rows * std::sqrt(area / aspect)), 1, rgb.rows);
  const int x = static_cast<int>(random.below(static_cast<std::uint64_t>(rgb.cols - w) + 1));
  const int y = static_cast<int>(random.below(static_cast<std::uint64_t>(rgb.rows - h) + 1));
  rgb(cv::Rect(x, y, w, h)).setTo(cv::mean(rgb));
}

void blur(cv::Mat& rgb, Random& random) { cv::GaussianBlur(rgb, rgb, {}, random.uniform(0.5, 2.0)); }

void rescale(cv::Mat& rgb, Random& random) {
  const double scale = random.uniform(0.3, 0.9);
  const cv::Size size(std::max(8, static_cast<int>(rgb.cols * scale)), std::max(8, static_cast<int>(rgb.rows * scale)));
  cv::resize(rgb, rgb, size, 0, 0, cv::INTER_AREA);
}

void add_noise(cv::Mat& rgb, Random& random) {
  const double deviation = random.uniform(3, 20);
  for (int y = 0; y < rgb.rows; ++y) {
    std::uint8_t* row = rgb.ptr<std::uint8_t>(y);
    for (int i = 0; i < rgb.cols * 3; ++i) row[i] = to_byte(static_cast<float>(row[i] + deviation * random.normal()));
  }
}

void compress(cv::Mat& rgb, Random& random) {
  const auto quality = static_cast<int>(random.uniform(15, 80));
  const std::unique_ptr<void, int (*)(void*)> compressor(tjInitCompress(), tjDestroy);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  if (!compressor || tjCompress2(compressor.get(), rgb.data, rgb.cols, static_cast<int>(rgb.step), rgb.rows, TJPF_RGB,
                                 &bytes, &size, TJSAMP_420, quality, 0) != 0) {
    throw core::Failure(core::Status::internal, "an augmented image can't be compressed as JPEG");
  }
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(bytes, tjFree);
  rgb = core::decode_image({bytes, size}, {rgb.cols, rgb.rows}, core::ImageLimits{}).rgb;
}

// One of the ways in which photos are worse than their camera made them.
void degrade(cv::Mat& rgb, Random& random) {
  switch (random.below(4)) {
    case 0: return blur(rgb, random);
    case 1: return compress(rgb, random);
    case 2: return rescale(rgb, random);
    default: return add_noise(rgb, random);
  }
}

}  // namespace

cv::Mat resize_for_evaluation(const cv::Mat& rgb, core::Size size) {
  core::DecodedImage image;
  image.rgb = rgb;
  image.stored_size = {rgb.cols, rgb.rows};
  image.format = core::ImageFormat::raw;
  return core::resize_and_orient(image, size);
}

cv::Mat augment(const cv::Mat& rgb, const TrainOptions& options, Random& random) {
  const cv::Mat crop = options.crop_scale_min < 1 ? rgb(random_crop(rgb.size(), options.crop_scale_min, random)) : rgb;
  cv::Mat out;  // A copy: the steps below write in place.
  if (random.uniform() < options.flip) {
    cv::flip(crop, out, 1);
  } else {
    out = crop.clone();
  }
  if (options.colour > 0) jitter_colour(out, options.colour, random);
  if (random.uniform() < options.erase) erase(out, random);
  if (random.uniform() < options.degrade) degrade(out, random);
  return out;
}

}  // namespace catdog::training
