#include "cli/terminal/part_file.hpp"

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

[[noreturn]] void refuse(const std::string& name, int error) {
    throw EnvironmentError(fmt::format(
        "{}: cannot be written: {}; expected room and permission there: make room, give another "
        "place, or see df and ls -ld",
        name,
        std::strerror(error)
    ));
}

int opened(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) {
        refuse(path.string(), errno);
    }
    return descriptor;
}

void leave_if_interrupted() {
    if (const int code = interrupted(); code != 0) {
        throw InterruptedError(static_cast<ExitCode>(code));
    }
}

/// A write into a full pipe goes on after a signal, so wait where the signal can be looked for.
void wait_for_room(int descriptor) {
    constexpr int kMilliseconds = 100;
    pollfd asked{descriptor, POLLOUT, 0};
    do {
        leave_if_interrupted();
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
        wait_for_room(descriptor_);
        const ssize_t done = ::write(descriptor_, next, static_cast<std::size_t>(pptr() - next));
        if (done < 0 && errno != EINTR) {
            refuse(name_, errno);
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
    // On some file systems this is when a full disk or quota is told.
    if (::close(std::exchange(descriptor_, -1)) != 0) {
        refuse(name_, errno);
    }
}

PartFile::PartFile(fs::path target, NewFile::Links links) : target_(std::move(target)) {
    std::error_code error;
    int descriptor = -1;
    if (links == NewFile::Links::follow && fs::exists(target_, error) &&
        !fs::is_regular_file(target_, error)) {
        descriptor = opened(target_);
    } else {
        note_interrupts(); // there is a file to be removed
        descriptor = file_.emplace(target_, links).take_descriptor();
    }
    buffer_ = std::make_unique<DescriptorBuffer>(descriptor, target_.string());
    stream_.rdbuf(buffer_.get());
    stream_.exceptions(std::ios::badbit); // lets the buffer's own errors through
}

void PartFile::publish() {
    if (file_) {
        file_->publish();
    }
}

} // namespace headroom::cli
