// Which rank of our own job ended first. mpirun only says how, and only with its noise.
#pragma once

#include <cstddef>
#include <string>
#include <sys/types.h>
#include <vector>

namespace headroom::cli {

class LostRank {
  public:
    /// Of the mpirun that starts so many.
    LostRank(pid_t mpirun, std::size_t ranks) : mpirun_(mpirun), ranks_(ranks) {}

    /// Call it often, once the ranks are up. When one ends, mpirun takes a second to end the
    /// others.
    void look();

    /// "device 1 (process 4711)": those that ended while others were there; "a rank" if unknown.
    [[nodiscard]] std::string text() const;

  private:
    struct Rank {
        int device = -1;
        pid_t process = 0;
    };
    void find();

    pid_t mpirun_;
    std::size_t ranks_;
    bool looked_ = false;
    std::vector<Rank> all_; ///< on this computer
    std::vector<Rank> lost_;
};

} // namespace headroom::cli
