// Indices with one type for each kind of object, so that a device number cannot be used as a block
// number. -1 means "none".
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace headroom {

template <class Tag>
struct Id {
    std::int32_t value = -1;

    constexpr Id() = default;
    constexpr explicit Id(std::int32_t index) : value(index) {}
    constexpr explicit Id(std::size_t index) : value(static_cast<std::int32_t>(index)) {}

    /// Returns the value as a subscript. Precondition: valid().
    [[nodiscard]] constexpr std::size_t index() const { return static_cast<std::size_t>(value); }
    [[nodiscard]] constexpr bool valid() const { return value >= 0; }
    constexpr auto operator<=>(const Id&) const = default;
};

using DeviceId = Id<struct DeviceTag>; ///< index of an emulated edge device in the fleet
using BlockId = Id<struct BlockTag>;   ///< index of a block (base/block.hpp) in scheduler::Blocks

} // namespace headroom
