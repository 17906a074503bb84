// Passes on what mpirun and its ranks print. mpirun gives up, loudly, when its reader goes away
// (`headroom run ... | head -1`); we go on reading, and the run ends with its trace.
#pragma once

#include <array>
#include <chrono>
#include <string>

namespace headroom::cli {

class Relay {
  public:
    /// One pipe per stream, or a common one if both streams go to the same place, which keeps their
    /// order. Throws EnvironmentError.
    explicit Relay(bool same_place);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay();

    /// In the child, before exec: stdout and stderr go into the pipes.
    void take_streams() const;
    /// In the parent, after fork.
    void close_child_ends();

    /// Moves what is there; waits for something at most so long.
    void move(std::chrono::milliseconds at_most);
    /// Is something read and not yet passed on, or still in a pipe?
    [[nodiscard]] bool has_more() const;
    /// errno of a write that failed for another reason than a reader who left; 0: none did.
    [[nodiscard]] int write_error() const;
    /// How many signs (kSign) have come on stdout. They are not passed on.
    [[nodiscard]] int signs() const { return streams_[0].signs; }
    /// From now on nothing is passed on: the job is being ended, and says so in its own words.
    void mute();

  private:
    struct Stream {
        int from = -1;
        int child_end = -1;
        int to = -1;
        bool reader_gone = false;
        int write_error = 0;
        int signs = 0;
        std::string pending;
        std::string held; ///< may be the beginning of a sign

        void read_some();
        void write_some();
        void take_signs();
    };

    std::array<Stream, 2> streams_;
    std::size_t count_;
};

} // namespace headroom::cli
