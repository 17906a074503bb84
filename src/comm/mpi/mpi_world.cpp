#include "comm/mpi/mpi_world.hpp"

#include <array>
#include <limits>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::comm {

void check_mpi(int code, std::string_view call) {
    if (code == MPI_SUCCESS) [[likely]] {
        return;
    }
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int length = 0;
    if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) {
        length = 0; // the message then has only the number of the error
    }
    throw EnvironmentError(fmt::format(
        "{} failed: {} (code {})",
        call,
        std::string_view(text.data(), static_cast<std::size_t>(length)),
        code
    ));
}

bool MpiWorld::completes(MPI_Request& request) {
    int flag = 0;
    const std::lock_guard in_mpi(call_mutex);
    check_mpi(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), "MPI_Test");
    return flag != 0;
}

int checked_int(std::size_t count, std::string_view what) {
    if (count > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        throw EnvironmentError(fmt::format("{} {} are more than MPI can count", count, what));
    }
    return static_cast<int>(count);
}

} // namespace headroom::comm
