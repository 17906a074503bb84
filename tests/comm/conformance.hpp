// The contract of transports, as functions that take a transport. The same code runs on the devices
// of an in-process fleet and on the ranks of an MPI job. All devices call the same case at the same
// time. A device on which a case fails throws ConformanceFailure.
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

/// All cases. Each works with any number of devices, also with one.
[[nodiscard]] const std::vector<ConformanceCase>& conformance_cases();

/// Returns the case of that name. Throws std::out_of_range if there is none.
[[nodiscard]] const ConformanceCase& conformance_case(std::string_view name);

} // namespace headroom::comm
