// SPDX-License-Identifier: Apache-2.0
#include "codec/documents.hpp"

#include "service/codec/support.hpp"

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
  EXPECT_EQ(render_model({"pets", "1.2", "abc", "native", "fp32", {"cat", "dog"}, 224, 192}),
            R"({"name":"pets","version":"1.2","sha256":"abc","engine":"native","precision":"fp32",)"
            R"("labels":["cat","dog"],"input":{"width":224,"height":192}})");
}

TEST(Documents, EachPictureHasItsRequestId) {
  EXPECT_EQ(item_request_id("a", 0, 1), "a");
  EXPECT_EQ(item_request_id("a", 0, 2), "a.0");
  EXPECT_EQ(item_request_id("a", 1, 2), "a.1");
}

}  // namespace
}  // namespace catdog::service
