// SPDX-License-Identifier: Apache-2.0
// What the C++ header promises about its types, at compile time.
#include <array>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "catdog/catdog.hpp"

namespace {

template <typename T>
constexpr bool movable_only = std::is_nothrow_move_constructible_v<T>&& std::is_nothrow_move_assignable_v<T> &&
                              !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;

static_assert(movable_only<catdog::Classifier>);
static_assert(movable_only<catdog::Options>);
static_assert(std::is_copy_constructible_v<catdog::Result> && std::is_nothrow_move_constructible_v<catdog::Result>);
static_assert(std::is_base_of_v<std::runtime_error, catdog::Error>);
static_assert(std::is_nothrow_copy_constructible_v<catdog::Error>);

static_assert(std::is_convertible_v<std::string, catdog::Bytes>);
static_assert(std::is_convertible_v<std::string_view, catdog::Bytes>);
static_assert(std::is_convertible_v<std::vector<std::uint8_t>, catdog::Bytes>);
static_assert(std::is_convertible_v<std::array<char, 3>, catdog::Bytes>);
static_assert(!std::is_convertible_v<std::vector<int>, catdog::Bytes>, "a size in elements isn't one in bytes");

static_assert(std::is_standard_layout_v<catdog_image> && std::is_trivial_v<catdog_image>);

}  // namespace
