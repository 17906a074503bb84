// Forwards the output of mpirun and its ranks to stdout and stderr. If the reader of our output
// leaves (as in `headroom run | head -1`), the forwarder goes on reading from mpirun, because
// mpirun would otherwise abort.
#pragma once

#include <array>
#include <chrono>
#include <string>

namespace headroom::cli {

class PipeForwarder {
  public:
    /// Creates one pipe for stdout and one for stderr. If `one_pipe` is true, creates a single pipe
    /// for both; this keeps the order of the output if both streams have the same destination.
    /// Throws EnvironmentError if that fails.
    explicit PipeForwarder(bool one_pipe);
    PipeForwarder(const PipeForwarder&) = delete;
    PipeForwarder& operator=(const PipeForwarder&) = delete;
    ~PipeForwarder();

    /// Called in the child process before exec. Redirects its stdout and stderr to the pipes.
    void redirect_streams() const;
    /// Called in the parent process after fork. Closes the ends that belong to the child.
    void close_child_ends();

    /// Forwards a part of the available output, after waiting for output for at most `max_wait`.
    void forward(std::chrono::milliseconds max_wait);
    /// Whether some output still waits to be forwarded.
    [[nodiscard]] bool has_pending() const;
    /// Returns errno of a failed write, or 0 if no write has failed. If a write failed only because
    /// the reader has left (EPIPE), the result is 0, too.
    [[nodiscard]] int write_error() const;
    /// Returns how many start marks have arrived. Rank 0 writes these bytes to report how far the
    /// start of the job has come (start_watch.hpp). They are not forwarded.
    [[nodiscard]] int start_marks() const { return streams_[0].start_marks; }
    /// Discards all output from here on, because mpirun prints a lot when a job is ended.
    void discard_output();

  private:
    struct Stream {
        int from = -1;      ///< the end that we read
        int child_end = -1; ///< the end that mpirun writes to
        int to = -1;        ///< our stdout or stderr
        bool discard = false;
        int write_error = 0;
        int start_marks = 0;
        std::string pending;       ///< bytes to be written
        std::string possible_mark; ///< last bytes read, if they may begin a start mark

        void read_some();
        void write_some();
        void remove_start_marks();
    };

    std::array<Stream, 2> streams_;
    std::size_t count_;
};

} // namespace headroom::cli
