// Integers of 128 bits, for products of two 64-bit integers. They are an extension of GCC and
// clang.
#pragma once

namespace headroom {

__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

} // namespace headroom
