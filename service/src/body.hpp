// SPDX-License-Identifier: Apache-2.0
// A request's body for Beast's parser: kept in memory that is charged as the bytes arrive, or dropped.
#pragma once

#include <algorithm>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <string>

#include "memory_budget.hpp"

namespace catdog::service {

struct ChargedBody {
  struct value_type {
    std::string bytes;
    MemoryBudget::Share memory;
    bool keep = false;
    bool refused = false;  // The account was full.

    // What came so far is freed, what comes is dropped.
    void drop() {
      keep = false;
      std::string().swap(bytes);  // Assigning an empty one would keep the memory.
      memory.release();
    }
  };

  class reader {
   public:
    template <bool is_request, typename Fields>
    reader(boost::beast::http::header<is_request, Fields>& /*head*/, value_type& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>& length, boost::system::error_code& failure) {
      failure = {};
      if (length) most_ = *length;
    }

    template <typename Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& failure) {
      failure = {};
      for (const boost::asio::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) append(buffer);
      return boost::beast::buffer_bytes(buffers);
    }

    void finish(boost::system::error_code& failure) { failure = {}; }

   private:
    static constexpr std::size_t first_block = 4096;

    // Room is made for twice as much as has come: whoever announces much and sends little holds little.
    void append(const boost::asio::const_buffer& buffer) {
      if (!body_.keep) return;
      std::string& bytes = body_.bytes;
      const std::size_t needed = bytes.size() + buffer.size();
      if (needed > bytes.capacity()) {
        const std::uint64_t roomy = std::max({needed, 2 * bytes.capacity(), first_block});
        const auto room = std::max<std::uint64_t>(needed, std::min(roomy, most_));
        if (!body_.memory.grow(room - body_.memory.held())) {
          body_.drop();
          body_.refused = true;
          return;
        }
        bytes.reserve(room);
      }
      bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
    }

    value_type& body_;
    std::uint64_t most_ = UINT64_MAX;
  };
};

}  // namespace catdog::service
