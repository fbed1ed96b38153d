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

// A string may be a path: only what says that it is bytes is taken as an image.
template <typename Argument, typename = void>
constexpr bool classifies = false;
template <typename Argument>
constexpr bool classifies<
    Argument, std::void_t<decltype(std::declval<const catdog::Classifier>().classify(std::declval<Argument>()))>> =
    true;
template <typename Argument, typename = void>
constexpr bool tries = false;
template <typename Argument>
constexpr bool tries<
    Argument, std::void_t<decltype(std::declval<const catdog::Classifier>().try_classify(std::declval<Argument>()))>> =
    true;
static_assert(!classifies<std::string> && !classifies<const std::string&> && !classifies<std::string_view>);
static_assert(!classifies<const char*> && !classifies<const char (&)[8]> && !tries<std::string> && !tries<const char*>);
static_assert(classifies<std::vector<std::uint8_t>> && classifies<catdog::Bytes> && classifies<catdog::Image>);
static_assert(tries<std::vector<std::uint8_t>> && tries<catdog::Bytes> && tries<catdog::Image>);

static_assert(std::is_standard_layout_v<catdog_image> && std::is_trivial_v<catdog_image>);

}  // namespace
