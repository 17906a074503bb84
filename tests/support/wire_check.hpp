// Checks of a struct that is sent as flat bytes (base/wire.hpp): it arrives with all its fields,
// and a message that was cut or is too long is refused.
#pragma once

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/wire.hpp"

namespace headroom::support {

/// Gives each field another value; vectors get two elements, optionals a value.
template <class T>
void fill(T& value, int& count) {
    ++count;
    if constexpr (std::is_same_v<T, bool>) {
        value = true;
    } else if constexpr (WireNumber<T>) {
        value = static_cast<T>(count);
    } else if constexpr (WirePath<T> || std::is_same_v<T, std::string>) {
        value = "text " + std::to_string(count);
    } else if constexpr (WireOptional<T>) {
        fill(value.emplace(), count);
    } else if constexpr (WireSequence<T>) {
        value.resize(2);
        fill(value[0], count);
        fill(value[1], count);
    } else {
        const auto fill_all = [&](auto&... field) { (fill(field, count), ...); };
        std::apply(fill_all, WireFields<T>::of(value).all);
    }
}

template <class T>
T filled() {
    T value{};
    int count = 0;
    fill(value, count);
    return value;
}

/// Whether two values agree in every field of their list.
template <class T>
bool same(const T& a, const T& b) {
    if constexpr (WirePath<T> || std::is_arithmetic_v<T> || std::is_enum_v<T>) {
        return a == b;
    } else if constexpr (WireOptional<T>) {
        return a.has_value() == b.has_value() && (!a || same(*a, *b));
    } else if constexpr (WireSequence<T>) {
        return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return same(x, y); });
    } else {
        const auto all_same = [&]<std::size_t... I>(std::index_sequence<I...>) {
            const auto x = WireFields<T>::of(a).all;
            const auto y = WireFields<T>::of(b).all;
            return (same(std::get<I>(x), std::get<I>(y)) && ...);
        };
        return all_same(std::make_index_sequence<field_count<T>()>());
    }
}

/// Whether no field stands in the list twice. With lists_every_field it follows that all do once.
template <class T>
bool lists_no_field_twice() {
    const T value{};
    std::set<const void*> places;
    const auto insert_all = [&](const auto&... field) { (places.insert(&field), ...); };
    std::apply(insert_all, WireFields<T>::of(value).all);
    return places.size() == field_count<T>();
}

template <class T>
bool is_refused(std::span<const std::byte> bytes) {
    try {
        (void)unpack<T>(bytes);
    } catch (const Bug&) {
        return true;
    }
    return false;
}

template <class T>
void expect_that_it_travels_whole() {
    EXPECT_TRUE(lists_every_field<T>());
    EXPECT_TRUE(lists_no_field_twice<T>());
    const T sent = filled<T>();
    std::vector<std::byte> bytes = pack(sent);
    EXPECT_TRUE(same(unpack<T>(bytes), sent));
    EXPECT_TRUE(same(unpack<T>(pack(T{})), T{}));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_TRUE(is_refused<T>(std::span(bytes).first(length))) << length;
    }
    bytes.push_back({});
    EXPECT_TRUE(is_refused<T>(bytes));
}

} // namespace headroom::support
