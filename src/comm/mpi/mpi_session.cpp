#include "comm/mpi/mpi_session.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <mutex>

#include <fmt/format.h>
#include <mpi.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "base/units.hpp"
#include "comm/mpi/mpi_liveness_thread.hpp"
#include "comm/mpi/mpi_local_ranks.hpp"
#include "comm/mpi/mpi_world.hpp"
#include "comm/polling_wait.hpp"

namespace headroom::comm {

MpiSession::MpiSession(std::chrono::nanoseconds silence)
    : silence_(silence), world_(std::make_unique<MpiWorld>()) {
    const BlockedCallWatch watch("the start of MPI", silence_);
    int provided = MPI_THREAD_SINGLE;
    check_mpi(
        MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread"
    );
    if (provided < MPI_THREAD_SERIALIZED) {
        throw EnvironmentError("this MPI does not provide MPI_THREAD_SERIALIZED, expected one that "
                               "two threads may call in turn: install Open MPI as it is packaged");
    }
    // Errors that belong to no communicator are raised on MPI_COMM_WORLD.
    check_mpi(
        MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler"
    );
    check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &world_->comm), "MPI_Comm_dup");
    check_mpi(MPI_Comm_set_errhandler(world_->comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    check_mpi(MPI_Comm_dup(world_->comm, &world_->signs), "MPI_Comm_dup");
    check_mpi(MPI_Comm_rank(world_->comm, &world_->rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(world_->comm, &world_->size), "MPI_Comm_size");
    liveness_thread_ = std::make_unique<MpiLivenessThread>(*world_);
}

MpiSession::~MpiSession() {
    if (finished_ || std::uncaught_exceptions() > 0) {
        return;
    }
    std::fprintf(stderr, "headroom: bug: rank %d ends without finishing MPI\n", world_->rank);
    abort(static_cast<int>(ExitCode::bug));
}

int MpiSession::rank() const {
    return world_->rank;
}

int MpiSession::size() const {
    return world_->size;
}

int MpiSession::max_over_ranks(int value, std::chrono::nanoseconds deadline) {
    int result = value;
    MPI_Request request = MPI_REQUEST_NULL;
    std::unique_lock in_mpi(world_->call_mutex);
    check_mpi(
        MPI_Iallreduce(&value, &result, 1, MPI_INT, MPI_MAX, world_->comm, &request),
        "MPI_Iallreduce"
    );
    in_mpi.unlock();
    Transport::Options options;
    options.deadline = deadline;
    PollingWait polling(options);
    for (;;) {
        if (world_->completes(request)) {
            // MPI_Test completes the request, which the checker does not know.
            return result; // NOLINT(clang-analyzer-optin.mpi.MPI-Checker)
        }
        if (polling.has_timed_out()) {
            // The job ends, so the request need not complete.
            // NOLINTNEXTLINE(clang-analyzer-optin.mpi*)
            world_->failed = true;
            throw StuckError(fmt::format(
                "rank {} has waited {} for all ranks to agree; one of them may have failed: look "
                "at their messages first",
                world_->rank,
                format_duration(deadline.count())
            ));
        }
        polling.pause();
    }
}

void MpiSession::finish() {
    HEADROOM_CHECK(!finished_, "MPI was finished before");
    HEADROOM_CHECK(
        world_->sends_in_flight == 0, "{} sends were never waited for", world_->sends_in_flight
    );
    liveness_thread_->stop();
    const BlockedCallWatch watch("the end of MPI", silence_);
    check_mpi(MPI_Comm_free(&world_->signs), "MPI_Comm_free");
    check_mpi(MPI_Comm_free(&world_->comm), "MPI_Comm_free");
    check_mpi(MPI_Finalize(), "MPI_Finalize");
    finished_ = true;
}

void MpiSession::abort(int code) {
    std::cout.flush();
    std::cerr.flush();
    std::fflush(nullptr);
    world_->call_mutex.lock(); // keeps the other thread from calling MPI
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
}

} // namespace headroom::comm
