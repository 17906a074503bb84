// Finds out which rank of a job ended first. mpirun itself reports only the exit code.
#pragma once

#include <cstddef>
#include <string>
#include <sys/types.h>
#include <vector>

namespace headroom::cli {

class LostRank {
  public:
    /// `ranks` is the number of ranks that the process `mpirun` starts.
    LostRank(pid_t mpirun, std::size_t ranks) : mpirun_(mpirun), ranks_(ranks) {}

    /// Checks which ranks are running. The caller must call this function every few milliseconds
    /// once all ranks have started, because mpirun ends all other ranks within a second after the
    /// first rank has ended.
    void check_ranks();

    /// Returns the ranks that ended first, for example "device 1 (process 4711)"; returns "a rank"
    /// if these ranks are unknown.
    [[nodiscard]] std::string text() const;

  private:
    struct Rank {
        int device = -1;
        pid_t process = 0;
    };
    void find_ranks();

    pid_t mpirun_;
    std::size_t ranks_;
    bool searched_ = false;
    std::vector<Rank> ranks_found_; ///< empty unless all ranks were found on this host
    std::vector<Rank> lost_;        ///< ranks that ended first
};

} // namespace headroom::cli
