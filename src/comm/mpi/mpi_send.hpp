// Private to comm/mpi: a send that MPI is at work on.
#pragma once

#include <mutex>

#include <mpi.h>

#include "comm/mpi/mpi_world.hpp"
#include "comm/transport.hpp"

namespace headroom::comm {

/// A started MPI request of a send. Dropped unfinished (only in a run that is failing), the request
/// is left to MPI: there is no safe way to take back a send.
class MpiSend final : public PendingSend::State {
  public:
    explicit MpiSend(MpiWorld& world) : world_(world) {}

    [[nodiscard]] bool done() override {
        if (request_ == MPI_REQUEST_NULL) {
            return true;
        }
        int flag = 0;
        {
            const std::lock_guard in_mpi(world_.calls);
            check_mpi(MPI_Test(&request_, &flag, MPI_STATUS_IGNORE), "MPI_Test");
        }
        if (flag == 0) {
            return false;
        }
        --world_.sends_in_flight;
        return true;
    }
    [[nodiscard]] bool abandoned() const override { return world_.failed; }
    [[nodiscard]] bool reads_after_drop() const override { return true; }

    /// Where MPI_Isend puts its request; call started() when it has.
    [[nodiscard]] MPI_Request* request() { return &request_; }
    void started() { ++world_.sends_in_flight; }

  private:
    MpiWorld& world_;
    MPI_Request request_ = MPI_REQUEST_NULL;
};

} // namespace headroom::comm
