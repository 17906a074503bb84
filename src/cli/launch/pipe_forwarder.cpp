#include "cli/launch/pipe_forwarder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

#include <climits>
#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/launch/start_watch.hpp"

namespace headroom::cli {

namespace {

/// Rank 0 writes one for StartStage::rank_0_started and one for StartStage::all_connected.
constexpr int kStartMarks = 2;

void close_if_open(int& descriptor) {
    if (descriptor >= 0) {
        (void)close(descriptor);
        descriptor = -1;
    }
}

} // namespace

PipeForwarder::PipeForwarder(bool one_pipe) : count_(one_pipe ? 1 : 2) {
    for (std::size_t i = 0; i < count_; ++i) {
        int ends[2] = {-1, -1};
        if (pipe2(ends, O_CLOEXEC) != 0) {
            throw EnvironmentError(fmt::format(
                "cannot make a pipe to mpirun: {}; expected two free file descriptors: raise the "
                "limit (ulimit -n), or use --transport inprocess",
                std::strerror(errno)
            ));
        }
        (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
        streams_[i].from = ends[0];
        streams_[i].child_end = ends[1];
        streams_[i].to = i == 0 ? STDOUT_FILENO : STDERR_FILENO;
    }
}

PipeForwarder::~PipeForwarder() {
    close_child_ends();
    for (Stream& stream : streams_) {
        close_if_open(stream.from);
    }
}

void PipeForwarder::redirect_streams() const {
    (void)dup2(streams_[0].child_end, STDOUT_FILENO);
    (void)dup2(streams_[count_ - 1].child_end, STDERR_FILENO);
}

void PipeForwarder::close_child_ends() {
    for (Stream& stream : streams_) {
        close_if_open(stream.child_end);
    }
}

void PipeForwarder::Stream::read_some() {
    char buffer[PIPE_BUF];
    const ssize_t length = ::read(from, buffer, sizeof buffer);
    if (length > 0) {
        pending = possible_mark + std::string(buffer, static_cast<std::size_t>(length));
        possible_mark.clear();
        remove_start_marks();
    } else if (length == 0) {
        pending.swap(possible_mark);
        close_if_open(from);
    }
    if (discard) {
        pending.clear();
    }
}

/// After the last start mark, the same bytes are text of the run.
void PipeForwarder::Stream::remove_start_marks() {
    for (std::size_t at = 0;
         start_marks < kStartMarks && (at = pending.find(kStartMark)) != std::string::npos;) {
        pending.erase(at, kStartMark.size());
        ++start_marks;
    }
    if (start_marks == kStartMarks) {
        return;
    }
    // The end of the output may be an incomplete mark.
    for (std::size_t n = std::min(kStartMark.size() - 1, pending.size()); n > 0; --n) {
        if (kStartMark.starts_with(std::string_view(pending).substr(pending.size() - n))) {
            possible_mark = pending.substr(pending.size() - n);
            pending.erase(pending.size() - n);
            return;
        }
    }
}

void PipeForwarder::discard_output() {
    for (Stream& stream : streams_) {
        stream.discard = true;
        stream.pending.clear();
        stream.possible_mark.clear();
    }
}

/// Writes at most PIPE_BUF bytes, so that a slow reader does not block us.
void PipeForwarder::Stream::write_some() {
    const ssize_t length = write(to, pending.data(), pending.size());
    if (length > 0) {
        pending.erase(0, static_cast<std::size_t>(length));
    } else if (length < 0 && errno != EINTR && errno != EAGAIN) {
        write_error = errno == EPIPE ? 0 : errno;
        discard = true;
        pending.clear();
    }
}

void PipeForwarder::forward(std::chrono::milliseconds max_wait) {
    std::array<pollfd, 2> waits{};
    for (std::size_t i = 0; i < count_; ++i) {
        const Stream& stream = streams_[i];
        const bool writing = !stream.pending.empty();
        waits[i] = {
            writing ? stream.to : stream.from, static_cast<short>(writing ? POLLOUT : POLLIN), 0};
    }
    if (poll(waits.data(), count_, static_cast<int>(max_wait.count())) <= 0) {
        return;
    }
    for (std::size_t i = 0; i < count_; ++i) {
        if (waits[i].revents == 0) {
            continue;
        }
        if (streams_[i].pending.empty()) {
            streams_[i].read_some();
        } else {
            streams_[i].write_some();
        }
    }
}

int PipeForwarder::write_error() const {
    return streams_[0].write_error != 0 ? streams_[0].write_error : streams_[1].write_error;
}

bool PipeForwarder::has_pending() const {
    for (std::size_t i = 0; i < count_; ++i) {
        int waiting = 0;
        if (!streams_[i].pending.empty() ||
            (streams_[i].from >= 0 && ioctl(streams_[i].from, FIONREAD, &waiting) == 0 &&
             waiting > 0)) {
            return true;
        }
    }
    return false;
}

} // namespace headroom::cli
