// SPDX-License-Identifier: Apache-2.0
#include "augment.hpp"

#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <opencv2/imgproc.hpp>

#include "image/decode.hpp"
#include "image/opencv.hpp"
#include "image/preprocess.hpp"

namespace catdog::training {
namespace {

using core::Image;
using core::mat_of;
using core::Size;

// Random resized crop (Szegedy et al., Going deeper with convolutions, 2015) with a milder aspect ratio, 4:3 to 3:4.
cv::Rect random_crop(Size size, double scale_min, Random& random) {
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
void jitter_colour(Image& rgb, double strength, Random& random) {
  const auto brightness = static_cast<float>(random.uniform(1 - strength, 1 + strength));
  const auto contrast = static_cast<float>(random.uniform(1 - strength, 1 + strength));
  const auto saturation = static_cast<float>(random.uniform(1 - 1.5 * strength, 1 + 1.5 * strength));
  const cv::Scalar mean = cv::mean(mat_of(rgb));
  const float centre = static_cast<float>(mean[0] + mean[1] + mean[2]) / 3 * brightness;
  const float gain = brightness * contrast;
  const float offset = centre * (1 - contrast);
  for (int y = 0; y < rgb.size().height; ++y) {
    std::uint8_t* p = rgb.row(y);
    for (int x = 0; x < rgb.size().width; ++x, p += 3) {
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
void erase(Image& rgb, Random& random) {
  const double area = random.uniform(0.02, 0.2);
  const double aspect = std::exp(random.uniform(-0.7, 0.7));
  const auto [width, height] = rgb.size();
  const int w = std::clamp(static_cast<int>(width * std::sqrt(area * aspect)), 1, width);
  const int h = std::clamp(static_cast<int>(height * std::sqrt(area / aspect)), 1, height);
  const int x = static_cast<int>(random.below(static_cast<std::uint64_t>(width - w) + 1));
  const int y = static_cast<int>(random.below(static_cast<std::uint64_t>(height - h) + 1));
  cv::Mat all = mat_of(rgb);
  all(cv::Rect(x, y, w, h)).setTo(cv::mean(all));
}

void blur(Image& rgb, Random& random) { cv::GaussianBlur(mat_of(rgb), mat_of(rgb), {}, random.uniform(0.5, 2.0)); }

void rescale(Image& rgb, Random& random) {
  const double scale = random.uniform(0.3, 0.9);
  Image scaled(Size{std::max(8, static_cast<int>(rgb.size().width * scale)),
                    std::max(8, static_cast<int>(rgb.size().height * scale))});
  cv::resize(mat_of(rgb), mat_of(scaled), cv::Size(scaled.size().width, scaled.size().height), 0, 0, cv::INTER_AREA);
  rgb = scaled;
}

void add_noise(Image& rgb, Random& random) {
  const double deviation = random.uniform(3, 20);
  for (int y = 0; y < rgb.size().height; ++y) {
    std::uint8_t* row = rgb.row(y);
    for (int i = 0; i < rgb.size().width * 3; ++i)
      row[i] = to_byte(static_cast<float>(row[i] + deviation * random.normal()));
  }
}

void compress(Image& rgb, Random& random) {
  const auto quality = static_cast<int>(random.uniform(15, 80));
  const std::unique_ptr<void, int (*)(void*)> compressor(tjInitCompress(), tjDestroy);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  if (!compressor || tjCompress2(compressor.get(), rgb.row(0), rgb.size().width, static_cast<int>(rgb.stride()),
                                 rgb.size().height, TJPF_RGB, &bytes, &size, TJSAMP_420, quality, 0) != 0) {
    throw core::Failure(core::Status::internal, "an augmented image can't be compressed as JPEG");
  }
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(bytes, tjFree);
  rgb = core::decode_image({bytes, size}, rgb.size(), core::ImageLimits{}).pixels;
}

// One of the ways in which photos are worse than their camera made them.
void degrade(Image& rgb, Random& random) {
  switch (random.below(4)) {
    case 0: return blur(rgb, random);
    case 1: return compress(rgb, random);
    case 2: return rescale(rgb, random);
    default: return add_noise(rgb, random);
  }
}

}  // namespace

Image resize_for_evaluation(const Image& rgb, Size size) {
  core::DecodedImage image;
  image.pixels = rgb;
  image.stored_size = rgb.size();
  image.format = core::ImageFormat::raw;
  return core::resize_and_orient(image, size);
}

Image augment(const Image& rgb, const TrainOptions& options, Random& random) {
  if (rgb.empty()) throw core::Failure(core::Status::internal, "augment() needs an image");
  return core::guard_opencv([&] {
    cv::Rect crop(0, 0, rgb.size().width, rgb.size().height);
    if (options.crop_scale_min < 1) crop = random_crop(rgb.size(), options.crop_scale_min, random);
    Image out(Size{crop.width, crop.height});  // A copy: the steps below write in place.
    if (random.uniform() < options.flip) {
      cv::flip(mat_of(rgb)(crop), mat_of(out), 1);
    } else {
      mat_of(rgb)(crop).copyTo(mat_of(out));
    }
    if (options.colour > 0) jitter_colour(out, options.colour, random);
    if (random.uniform() < options.erase) erase(out, random);
    if (random.uniform() < options.degrade) degrade(out, random);
    return out;
  });
}

}  // namespace catdog::training
