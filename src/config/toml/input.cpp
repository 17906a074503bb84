// See input.hpp.
#include "config/toml/input.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::config {

namespace {

/// More than any scenario or prompt; an endless pipe ends here and not with the memory.
constexpr std::size_t kMostBytes = std::size_t{1} << 28;

/// What this process has read that cannot be read again.
struct SingleReads {
    struct Taken {
        std::string what;
        Input input;
    };
    std::map<std::string, Taken> taken;
    std::string refused; ///< why there may be no more; empty: there may
};

SingleReads& single_reads() {
    // A process has one standard input. NOLINTNEXTLINE(*-avoid-non-const-global-variables)
    static SingleReads reads;
    return reads;
}

Input read_descriptor(int descriptor) {
    Input input;
    std::array<char, 65536> buffer{};
    for (;;) {
        const ssize_t length = read(descriptor, buffer.data(), buffer.size());
        if (length == 0) {
            return input;
        }
        if (length < 0 && errno != EINTR) {
            input.failure = errno;
            return input;
        }
        if (length > 0) {
            input.text.append(buffer.data(), static_cast<std::size_t>(length));
        }
        if (input.text.size() > kMostBytes) {
            input.failure = EFBIG;
            return input;
        }
    }
}

void check_may_be_read(const std::string& name) {
    if (const std::string& refused = single_reads().refused; !refused.empty()) {
        throw InputError(fmt::format(
            "{}: can be read only once, but {}; expected an ordinary file: write it to one and "
            "name that",
            name,
            refused
        ));
    }
}

/// Nothing if nobody has read it. Throws InputError if it was read for something else.
const Input* read_before(const std::string& name, std::string_view what) {
    const auto found = single_reads().taken.find(name);
    if (found == single_reads().taken.end()) {
        return nullptr;
    }
    if (found->second.what != what) {
        throw InputError(fmt::format(
            "{}: is given for {} and for {}, expected one of them: it can be read only once; give "
            "the other as a file",
            name,
            found->second.what,
            what
        ));
    }
    return &found->second.input;
}

Input read_once(int descriptor, const std::string& name, std::string_view what) {
    check_may_be_read(name);
    Input input = read_descriptor(descriptor);
    single_reads().taken.insert_or_assign(name, SingleReads::Taken{std::string(what), input});
    return input;
}

} // namespace

bool is_standard_input(const std::filesystem::path& path) {
    return path == "-" || path == "/dev/stdin" || path == "/dev/fd/0" || path == "/proc/self/fd/0";
}

std::string input_name(const std::filesystem::path& path) {
    return is_standard_input(path) ? "standard input" : path.string();
}

std::filesystem::path input_place(const std::filesystem::path& path) {
    return is_standard_input(path) ? "stdin" : path;
}

void throw_if_environment(int failure, const std::filesystem::path& path) {
    if (failure == EMFILE || failure == ENFILE || failure == ENOMEM) {
        throw EnvironmentError(fmt::format(
            "{}: cannot be opened: {}; expected room for one more file: raise the limits (ulimit "
            "-n, ulimit -v), or end other programs",
            input_name(path),
            std::strerror(failure)
        ));
    }
}

Input read_input(const std::filesystem::path& path, std::string_view what) {
    const std::string name = input_name(path);
    if (const Input* const before = read_before(name, what)) {
        return *before;
    }
    if (is_standard_input(path)) {
        return read_once(STDIN_FILENO, name, what);
    }
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        throw_if_environment(errno, path);
        return {"", errno};
    }
    struct stat status = {};
    const bool again =
        fstat(descriptor, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
    Input input = again ? read_descriptor(descriptor) : read_once(descriptor, name, what);
    (void)close(descriptor);
    return input;
}

void refuse_single_reads(std::string_view reason) {
    single_reads().refused = reason;
}

} // namespace headroom::config
