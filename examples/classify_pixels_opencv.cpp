// SPDX-License-Identifier: Apache-2.0
// Pixels that OpenCV holds, a region of a larger image included: the library reads them where they are.
#include <catdog/catdog.hpp>
#include <cstdio>
#include <opencv2/core.hpp>

// A view, without a copy: BGR, as OpenCV has it, with the distance between rows.
static catdog::Image view_of(const cv::Mat& bgr) {
  CV_Assert(bgr.type() == CV_8UC3);
  const std::size_t size = (bgr.rows - 1) * bgr.step + bgr.cols * bgr.elemSize();
  return catdog::Image::pixels(CATDOG_FORMAT_BGR8, {bgr.data, size}, bgr.cols, bgr.rows, bgr.step);
}

int main() try {
  const catdog::Classifier classifier = catdog::Classifier::open();
  cv::Mat frame(480, 640, CV_8UC3);  // Stands for a frame of a camera.
  cv::randu(frame, 0, 256);
  const cv::Mat middle = frame(cv::Rect(160, 120, 320, 240));
  for (const cv::Mat& image : {frame, middle}) {
    const catdog::Result result = classifier.classify(view_of(image));
    std::printf("%dx%d: %s %.3f\n", result.width(), result.height(), result.answer().c_str(), result.trust());
  }
} catch (const catdog::Error& error) {
  std::fprintf(stderr, "%s: %s\n", error.status_name(), error.what());
  return 1;
}
