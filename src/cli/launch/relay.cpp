#include "cli/launch/relay.hpp"

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

/// Rank 0 gives so many: JobStep::entered and JobStep::met.
constexpr int kSigns = 2;

void close_if_open(int& descriptor) {
    if (descriptor >= 0) {
        (void)close(descriptor);
        descriptor = -1;
    }
}

} // namespace

Relay::Relay(bool same_place) : count_(same_place ? 1 : 2) {
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

Relay::~Relay() {
    close_child_ends();
    for (Stream& stream : streams_) {
        close_if_open(stream.from);
    }
}

void Relay::take_streams() const {
    (void)dup2(streams_[0].child_end, STDOUT_FILENO);
    (void)dup2(streams_[count_ - 1].child_end, STDERR_FILENO);
}

void Relay::close_child_ends() {
    for (Stream& stream : streams_) {
        close_if_open(stream.child_end);
    }
}

void Relay::Stream::read_some() {
    char buffer[PIPE_BUF];
    const ssize_t length = ::read(from, buffer, sizeof buffer);
    if (length > 0) {
        pending = held + std::string(buffer, static_cast<std::size_t>(length));
        held.clear();
        take_signs();
    } else if (length == 0) {
        pending.swap(held);
        close_if_open(from);
    }
    if (reader_gone) {
        pending.clear();
    }
}

/// Only before the run begins to print: what looks like one later is text.
void Relay::Stream::take_signs() {
    for (std::size_t at = 0; signs < kSigns && (at = pending.find(kSign)) != std::string::npos;) {
        pending.erase(at, kSign.size());
        ++signs;
    }
    if (signs == kSigns) {
        return;
    }
    for (std::size_t n = std::min(kSign.size() - 1, pending.size()); n > 0; --n) { // a beginning
        if (kSign.starts_with(std::string_view(pending).substr(pending.size() - n))) {
            held = pending.substr(pending.size() - n);
            pending.erase(pending.size() - n);
            return;
        }
    }
}

void Relay::mute() {
    for (Stream& stream : streams_) {
        stream.reader_gone = true;
        stream.pending.clear();
        stream.held.clear();
    }
}

/// At most PIPE_BUF bytes, so that a reader who takes his time never makes us wait.
void Relay::Stream::write_some() {
    const ssize_t length = write(to, pending.data(), pending.size());
    if (length > 0) {
        pending.erase(0, static_cast<std::size_t>(length));
    } else if (length < 0 && errno != EINTR && errno != EAGAIN) {
        write_error = errno == EPIPE ? 0 : errno;
        reader_gone = true;
        pending.clear();
    }
}

void Relay::move(std::chrono::milliseconds at_most) {
    std::array<pollfd, 2> waits{};
    for (std::size_t i = 0; i < count_; ++i) {
        const Stream& stream = streams_[i];
        const bool writing = !stream.pending.empty();
        waits[i] = {
            writing ? stream.to : stream.from, static_cast<short>(writing ? POLLOUT : POLLIN), 0};
    }
    if (poll(waits.data(), count_, static_cast<int>(at_most.count())) <= 0) {
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

int Relay::write_error() const {
    return streams_[0].write_error != 0 ? streams_[0].write_error : streams_[1].write_error;
}

bool Relay::has_more() const {
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
