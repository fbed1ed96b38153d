// SPDX-License-Identifier: Apache-2.0
#include "memory_budget.hpp"

#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <thread>
#include <vector>

#include "body.hpp"

namespace catdog::service {
namespace {

TEST(MemoryBudget, AShareGrowsUntilTheAccountIsFullAndGivesAllBack) {
  MemoryBudget budget(1000);
  {
    MemoryBudget::Share first(budget);
    MemoryBudget::Share second(budget);
    EXPECT_TRUE(first.grow(600));
    EXPECT_FALSE(second.grow(401));
    EXPECT_TRUE(second.grow(400));
    EXPECT_EQ(budget.used(), 1000U);
    EXPECT_FALSE(first.grow(UINT64_MAX));
    MemoryBudget::Share moved = std::move(first);
    moved = std::move(second);
    EXPECT_EQ(budget.used(), 400U);
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, LargeRequestsLeaveAQuarterToSmallOnes) {
  constexpr std::uint64_t mebi = 1 << 20;
  MemoryBudget budget(8 * mebi);
  MemoryBudget::Share large(budget);
  EXPECT_TRUE(large.grow(6 * mebi));
  EXPECT_FALSE(large.grow(1));
  MemoryBudget::Share small(budget);
  EXPECT_TRUE(small.grow(mebi));
  EXPECT_FALSE(small.grow(1));  // Now it is a large one.
  MemoryBudget for_all(8 * mebi, 8 * mebi);
  EXPECT_TRUE(MemoryBudget::Share(for_all).grow(8 * mebi));
}

TEST(MemoryBudget, IsExactWithManyThreads) {
  MemoryBudget budget(100);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 10'000; ++k) {
        MemoryBudget::Share share(budget);
        share.grow(40);
        EXPECT_LE(budget.used(), 100U);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.used(), 0U);
}

class ChargedBodyTest : public testing::Test {
 protected:
  ChargedBodyTest() {
    body_.memory = MemoryBudget::Share(budget_);
    body_.keep = true;
  }
  void put(std::size_t bytes) {
    const std::string block(bytes, 'x');
    boost::system::error_code failure;
    EXPECT_EQ(reader_.put(boost::asio::const_buffer(block.data(), block.size()), failure), bytes);
    EXPECT_FALSE(failure);
  }
  MemoryBudget budget_{100'000};
  boost::beast::http::request<ChargedBody> head_;
  ChargedBody::value_type body_;
  ChargedBody::reader reader_{head_, body_};
};

TEST_F(ChargedBodyTest, IsChargedForWhatCameNotForWhatWasAnnounced) {
  boost::system::error_code failure;
  reader_.init(32'000'000, failure);
  put(1);
  EXPECT_LE(budget_.used(), 4096U);
  put(20'000);
  EXPECT_GE(budget_.used(), 20'001U);
  EXPECT_LE(budget_.used(), 40'002U);
  EXPECT_EQ(body_.bytes, std::string(20'001, 'x'));
}

TEST_F(ChargedBodyTest, IsDroppedWhenTheAccountIsFull) {
  put(30'000);
  MemoryBudget::Share other(budget_);
  ASSERT_TRUE(other.grow(60'000));
  put(50'000);
  EXPECT_TRUE(body_.refused);
  EXPECT_EQ(body_.bytes, "");
  EXPECT_EQ(budget_.used(), 60'000U);
  put(50'000);  // The rest of it.
  EXPECT_EQ(body_.bytes, "");
}

}  // namespace
}  // namespace catdog::service
