// SPDX-License-Identifier: Apache-2.0
#include "formats/documents.hpp"

#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

TEST(Documents, HealthTellsTheTruth) {
  Health health;
  health.timestamp = "2026-01-31T12:00:00Z";
  EXPECT_EQ(render_health(health),
            R"({"status":"unhealthy","model_loaded":false,"device":"cpu","timestamp":"2026-01-31T12:00:00Z"})");
  health.draining = true;
  EXPECT_THAT(render_health(health), testing::HasSubstr(R"("status":"unhealthy")"));
  health.healthy = health.model_loaded = true;
  EXPECT_EQ(render_health(health),
            R"({"status":"draining","model_loaded":true,"device":"cpu","timestamp":"2026-01-31T12:00:00Z"})");
  health.draining = false;
  EXPECT_THAT(render_health(health), testing::HasSubstr(R"("status":"healthy")"));
}

TEST(Documents, ProbesMayGiveAReason) {
  EXPECT_EQ(render_probe("ready"), R"({"status":"ready"})");
  EXPECT_EQ(render_probe("not ready", "draining"), R"({"status":"not ready","reason":"draining"})");
}

TEST(Documents, ModelIsDescribed) {
  const Classifier& classifier = test::classifier();
  EXPECT_EQ(
      render_model(classifier),
      R"({"name":"colour","version":"1.2.3","sha256":")" + classifier.info(CATDOG_INFO_MODEL_SHA256) +
          R"(","engine":"native","precision":")" + classifier.info(CATDOG_INFO_PRECISION) +
          R"(","labels":["cat","dog"],"input":{"width":32,"height":32},"abstain_below":0.0,"neither_above":1.0})");
}

}  // namespace
}  // namespace catdog::service
