#include "comm/mpi/mpi_layout.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "comm/mpi/mpi_world.hpp"

namespace headroom::comm {

namespace {

/// The longest block of a datatype. It is far below the largest int.
constexpr std::size_t kBlockBytes = std::size_t{1} << 30;

/// MPI's receive functions need void*, its send functions const void*. A layout serves both.
void* writable(const std::byte* bytes) {
    return const_cast<std::byte*>(bytes);
}

} // namespace

MpiLayout::MpiLayout(std::span<const ConstPart> parts) {
    describe(parts);
}

MpiLayout::MpiLayout(std::span<const Part> parts) {
    describe(parts);
}

template <class AnyPart>
void MpiLayout::describe(std::span<const AnyPart> parts) {
    std::vector<int> lengths;
    std::vector<MPI_Aint> addresses;
    for (const AnyPart& part : parts) {
        for (std::size_t at = 0; at < part.size(); at += kBlockBytes) {
            address_ = writable(part.data() + at);
            MPI_Aint address = 0;
            check_mpi(MPI_Get_address(address_, &address), "MPI_Get_address");
            addresses.push_back(address);
            lengths.push_back(
                checked_int(std::min(kBlockBytes, part.size() - at), "bytes of a block")
            );
        }
    }
    if (lengths.size() <= 1) {
        count_ = lengths.empty() ? 0 : lengths.front();
        return;
    }
    const int blocks = checked_int(lengths.size(), "parts of a message");
    check_mpi(
        MPI_Type_create_hindexed(blocks, lengths.data(), addresses.data(), MPI_BYTE, &type_),
        "MPI_Type_create_hindexed"
    );
    owns_type_ = true;
    check_mpi(MPI_Type_commit(&type_), "MPI_Type_commit");
    address_ = MPI_BOTTOM;
    count_ = 1;
}

MpiLayout::~MpiLayout() {
    if (owns_type_) {
        MPI_Type_free(&type_); // a failure only leaks memory
    }
}

} // namespace headroom::comm
