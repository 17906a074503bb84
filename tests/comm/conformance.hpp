// What every transport must do, as functions that take one: the same code runs on the devices of an
// in-process fleet and on the ranks of an MPI job. All devices call the same case at the same time.
// A case that is not fulfilled throws ConformanceFailure on the device that sees it.
#pragma once

#include <stdexcept>
#include <string_view>
#include <vector>

#include "comm/transport.hpp"

namespace headroom::comm {

class ConformanceFailure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct ConformanceCase {
    std::string_view name;
    void (*run)(Transport& transport);
};

/// All cases; each works for any number of devices, one included.
[[nodiscard]] const std::vector<ConformanceCase>& conformance_cases();

/// The case of that name; throws std::out_of_range if there is none.
[[nodiscard]] const ConformanceCase& conformance_case(std::string_view name);

} // namespace headroom::comm
