// Operators new and delete that see how much is asked for at once: a file that lies about its sizes
// must not make a reader allocate. They are replaced for the whole program that links this file.
#pragma once

#include <cstddef>

namespace headroom::model::test {

/// The largest single allocation of the program so far.
[[nodiscard]] std::size_t largest_allocation();
/// As if none had been larger than that.
void forget_allocations_above(std::size_t bytes);

} // namespace headroom::model::test
