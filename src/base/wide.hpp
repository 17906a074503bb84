// Integers of 128 bits, for products of two of 64: a compiler's extension, spelled once.
#pragma once

namespace headroom {

__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;

} // namespace headroom
