#include "cli/terminal/atomic_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/terminal/interrupt.hpp"

namespace headroom::cli {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void throw_write_error(const std::string& name, int error) {
    throw EnvironmentError(fmt::format(
        "{}: cannot be written: {}; expected room and permission there: make room, give another "
        "place, or see df and ls -ld",
        name,
        std::strerror(error)
    ));
}

int open_for_writing(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) {
        throw_write_error(path.string(), errno);
    }
    return descriptor;
}

void throw_if_interrupted() {
    if (const int code = interrupted(); code != 0) {
        throw InterruptedError(static_cast<ExitCode>(code));
    }
}

/// A blocked write to a full pipe continues after a signal. Waiting here first notices the signal.
void wait_until_writable(int descriptor) {
    constexpr int kMilliseconds = 100;
    pollfd asked{descriptor, POLLOUT, 0};
    do {
        throw_if_interrupted();
    } while (::poll(&asked, 1, kMilliseconds) <= 0);
}

} // namespace

DescriptorBuffer::DescriptorBuffer(int descriptor, std::string name)
    : descriptor_(descriptor), name_(std::move(name)), space_(std::size_t{1} << 16) {
    setp(space_.data(), space_.data() + space_.size());
}

DescriptorBuffer::~DescriptorBuffer() {
    if (descriptor_ >= 0) {
        (void)::close(descriptor_);
    }
}

void DescriptorBuffer::write_out() {
    for (const char* next = pbase(); next < pptr();) {
        wait_until_writable(descriptor_);
        const ssize_t done = ::write(descriptor_, next, static_cast<std::size_t>(pptr() - next));
        if (done < 0 && errno != EINTR) {
            throw_write_error(name_, errno);
        }
        if (done > 0) {
            next += done;
            written_ += static_cast<std::uintmax_t>(done);
        }
    }
    setp(space_.data(), space_.data() + space_.size());
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type c) {
    write_out();
    if (!traits_type::eq_int_type(c, traits_type::eof())) {
        *pptr() = traits_type::to_char_type(c);
        pbump(1);
    }
    return traits_type::not_eof(c);
}

int DescriptorBuffer::sync() {
    write_out();
    return 0;
}

void DescriptorBuffer::close() {
    write_out();
    // Some file systems report a full disk or an exceeded quota only here.
    if (::close(std::exchange(descriptor_, -1)) != 0) {
        throw_write_error(name_, errno);
    }
}

AtomicFile::AtomicFile(fs::path target, NewFile::Links links) : target_(std::move(target)) {
    std::error_code error;
    int descriptor = -1;
    if (links == NewFile::Links::follow && fs::exists(target_, error) &&
        !fs::is_regular_file(target_, error)) {
        descriptor = open_for_writing(target_);
    } else {
        defer_interrupts(); // the temporary file must be removed
        descriptor = file_.emplace(target_, links).release_descriptor();
    }
    buffer_ = std::make_unique<DescriptorBuffer>(descriptor, target_.string());
    stream_.rdbuf(buffer_.get());
    stream_.exceptions(std::ios::badbit); // passes on the exceptions of the buffer
}

void AtomicFile::publish() {
    if (file_) {
        file_->publish();
    }
}

} // namespace headroom::cli
