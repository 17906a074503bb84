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

/// More than any scenario or prompt needs. The limit stops an endless pipe before memory runs out.
constexpr std::size_t kMaxBytes = std::size_t{1} << 28;

/// The single-use inputs that this process has read.
struct SingleUseInputs {
    struct Contents {
        std::string purpose;
        Input input;
    };
    std::map<std::string, Contents> read; ///< by name
    std::string refusal; ///< why no further single-use input is read; empty: they are read
};

SingleUseInputs& single_use_inputs() {
    // A process has one standard input. NOLINTNEXTLINE(*-avoid-non-const-global-variables)
    static SingleUseInputs inputs;
    return inputs;
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
            input.error_number = errno;
            return input;
        }
        if (length > 0) {
            input.text.append(buffer.data(), static_cast<std::size_t>(length));
        }
        if (input.text.size() > kMaxBytes) {
            input.error_number = EFBIG;
            return input;
        }
    }
}

void check_not_refused(const std::string& name) {
    if (const std::string& reason = single_use_inputs().refusal; !reason.empty()) {
        throw InputError(fmt::format(
            "{}: can be read only once, but {}; expected an ordinary file: write it to one and "
            "name that",
            name,
            reason
        ));
    }
}

/// Returns the input if it was read before, else a null pointer. Throws InputError if it was read
/// for another purpose.
const Input* find_earlier_read(const std::string& name, std::string_view purpose) {
    const auto found = single_use_inputs().read.find(name);
    if (found == single_use_inputs().read.end()) {
        return nullptr;
    }
    if (found->second.purpose != purpose) {
        throw InputError(fmt::format(
            "{}: is given for {} and for {}, expected one of them: it can be read only once; give "
            "the other as a file",
            name,
            found->second.purpose,
            purpose
        ));
    }
    return &found->second.input;
}

Input read_once(int descriptor, const std::string& name, std::string_view purpose) {
    check_not_refused(name);
    Input input = read_descriptor(descriptor);
    single_use_inputs().read.insert_or_assign(
        name, SingleUseInputs::Contents{std::string(purpose), input}
    );
    return input;
}

} // namespace

bool is_standard_input(const std::filesystem::path& path) {
    return path == "-" || path == "/dev/stdin" || path == "/dev/fd/0" || path == "/proc/self/fd/0";
}

std::string input_name(const std::filesystem::path& path) {
    return is_standard_input(path) ? "standard input" : path.string();
}

std::filesystem::path input_base_path(const std::filesystem::path& path) {
    return is_standard_input(path) ? "stdin" : path;
}

void throw_if_environment(int error_number, const std::filesystem::path& path) {
    if (error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM) {
        throw EnvironmentError(fmt::format(
            "{}: cannot be opened: {}; expected room for one more file: raise the limits (ulimit "
            "-n, ulimit -v), or end other programs",
            input_name(path),
            std::strerror(error_number)
        ));
    }
}

Input read_input(const std::filesystem::path& path, std::string_view purpose) {
    const std::string name = input_name(path);
    if (const Input* const earlier = find_earlier_read(name, purpose)) {
        return *earlier;
    }
    if (is_standard_input(path)) {
        return read_once(STDIN_FILENO, name, purpose);
    }
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        throw_if_environment(errno, path);
        return {"", errno};
    }
    struct stat status = {};
    const bool can_be_read_again =
        fstat(descriptor, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
    Input input =
        can_be_read_again ? read_descriptor(descriptor) : read_once(descriptor, name, purpose);
    (void)close(descriptor);
    return input;
}

void refuse_single_use_inputs(std::string_view reason) {
    single_use_inputs().refusal = reason;
}

std::string read_document(const std::filesystem::path& path, std::string_view kind) {
    Input input = read_input(path, fmt::format("the {}", kind));
    const int error = input.error_number;
    if (error == 0) {
        return std::move(input.text);
    }
    const std::string name = path.string();
    throw InputError(
        error == ENOENT || error == ENOTDIR
            ? fmt::format("{}: there is no such {} file", name, kind)
        : error == EISDIR
            ? fmt::format("{}: a directory, not a {} file", name, kind)
            : fmt::format(
                  "{}: the {} file cannot be read: {}", input_name(path), kind, std::strerror(error)
              )
    );
}

} // namespace headroom::config
