// Private to comm/mpi: a list of parts as MPI sees it, so that one message carries them all without
// a copy. Messages may be longer than an int can count.
#pragma once

#include <cstdint>
#include <span>

#include <mpi.h>

#include "comm/transport.hpp"

namespace headroom::comm {

/// Address, count and datatype for one MPI call, made and dropped by whoever may call MPI. One
/// short part is plain bytes; everything else is one element of a datatype with absolute addresses,
/// its blocks cut so that an int counts them.
class MpiLayout {
  public:
    explicit MpiLayout(std::span<const ConstPart> parts);
    explicit MpiLayout(std::span<const Part> parts);
    MpiLayout(const MpiLayout&) = delete;
    MpiLayout& operator=(const MpiLayout&) = delete;
    /// The datatype may go as soon as the operation has been started.
    ~MpiLayout();

    /// For receives MPI writes here; a layout of constant parts is only ever sent.
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
