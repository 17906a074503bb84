// An asynchronous send by MPI. Only comm/mpi includes this header.
#pragma once

#include <mpi.h>

#include "comm/mpi/mpi_world.hpp"
#include "comm/transport.hpp"

namespace headroom::comm {

/// The MPI request of a send. A send cannot be cancelled safely. If this object is destroyed before
/// the send is done, the request is therefore not freed, and MPI may still read the message. This
/// happens only in a failing run.
class MpiSend final : public PendingSend::State {
  public:
    explicit MpiSend(MpiWorld& world) : world_(world) {}

    [[nodiscard]] bool done() override {
        if (request_ == MPI_REQUEST_NULL) {
            return true;
        }
        if (!world_.completes(request_)) {
            return false;
        }
        --world_.sends_in_flight;
        return true;
    }
    [[nodiscard]] bool abandoned() const override { return world_.failed; }
    [[nodiscard]] bool reads_after_drop() const override { return true; }

    /// Returns where MPI_Isend stores its request. The caller calls started() after MPI_Isend.
    [[nodiscard]] MPI_Request* request() { return &request_; }
    void started() { ++world_.sends_in_flight; }

  private:
    MpiWorld& world_;
    MPI_Request request_ = MPI_REQUEST_NULL;
};

} // namespace headroom::comm
