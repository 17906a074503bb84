// Operators new and delete that record the largest allocation, because a file with wrong sizes must
// not make the reader allocate much. A program that links this file uses them everywhere.
#pragma once

#include <cstddef>

namespace headroom::model::test {

/// Returns the size of the largest allocation of the program so far.
[[nodiscard]] std::size_t largest_allocation();
/// Lowers the recorded size to `bytes`.
void forget_allocations_above(std::size_t bytes);

} // namespace headroom::model::test
