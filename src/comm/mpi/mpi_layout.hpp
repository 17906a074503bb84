// Describes the parts of a message, a list of byte ranges, to MPI, so that one message carries all
// parts without copying them, even if the parts have more bytes than an int can count. Only
// comm/mpi includes this header.
#pragma once

#include <span>

#include <mpi.h>

#include "comm/transport.hpp"

namespace headroom::comm {

/// The address, count and datatype for one MPI call. A single part of at most 1 GiB is described as
/// `count` elements of MPI_BYTE. Any other list is one element of a derived datatype, which has the
/// absolute addresses of pieces of at most 1 GiB. The constructors and the destructor call MPI, so
/// the caller must hold MpiWorld::call_mutex.
class MpiLayout {
  public:
    explicit MpiLayout(std::span<const ConstPart> parts);
    explicit MpiLayout(std::span<const Part> parts);
    MpiLayout(const MpiLayout&) = delete;
    MpiLayout& operator=(const MpiLayout&) = delete;
    /// Frees the datatype. MPI allows this as soon as the send or receive has been started.
    ~MpiLayout();

    /// Returns the buffer address for MPI. If the parts are constant, MPI must only read them.
    [[nodiscard]] void* address() const { return address_; }
    [[nodiscard]] int count() const { return count_; }
    [[nodiscard]] MPI_Datatype type() const { return type_; }

  private:
    template <class AnyPart>
    void describe(std::span<const AnyPart> parts);

    void* address_ = nullptr;
    int count_ = 0;
    MPI_Datatype type_ = MPI_BYTE;
    bool owns_type_ = false;
};

} // namespace headroom::comm
