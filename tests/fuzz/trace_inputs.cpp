#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/checksums.hpp"
#include "fuzz/inputs.hpp"
#include "fuzz/mutate.hpp"
#include "fuzz/scratch_file.hpp"
#include "fuzz/trace_damage.hpp"
#include "fuzz/trace_seeds.hpp"

namespace headroom::fuzz {

namespace {

constexpr std::size_t kPage = 4096;
constexpr rlim_t kMaxFileBytes = 1 << 20; ///< a table resized to a huge size would make a huge file

const std::vector<std::vector<ChecksummedRange>>& checksummed_ranges_of_seeds() {
    static const std::vector<std::vector<ChecksummedRange>> all = [] {
        std::vector<std::vector<ChecksummedRange>> found;
        for (const std::string& seed : valid_traces()) {
            found.push_back(checksummed_ranges(seed));
        }
        return found;
    }();
    return all;
}

/// Writes a boundary value of 1 to 8 bytes at a random position of [begin, end).
void put_number(std::string& bytes, std::size_t begin, std::size_t end, Random& random) {
    const std::uint64_t power = std::uint64_t{1} << random.below(64);
    const std::array numbers{
        std::uint64_t{0},
        ~std::uint64_t{0},
        power,
        power - 1,
        random.below(300),
        random.below(bytes.size()),
        random.bits()};
    const std::uint64_t number = numbers[random.below(numbers.size())];
    const std::size_t width = std::size_t{1} << random.below(4);
    const std::size_t at = begin + random.below(end - begin);
    for (std::size_t i = 0; i < width && at + i < end; ++i) {
        bytes[at + i] = static_cast<char>(number >> (8 * i) & 0xffU);
    }
}

/// Damages metadata of HDF5 and mostly updates its checksum.
void damage_structure(
    std::string& bytes, const std::vector<ChecksummedRange>& ranges, Random& random
) {
    for (std::uint64_t changes = 1 + random.below(2); changes > 0; --changes) {
        const ChecksummedRange& range = ranges[random.below(ranges.size())];
        constexpr std::size_t kSignature = 4;
        put_number(bytes, range.begin + kSignature, range.end, random);
        if (random.below(10) > 0) {
            update_checksum(bytes, range);
        }
    }
}

/// Changes a file in a child process, because some changes crash HDF5; the file is then used as the
/// crash left it. A child also has no state of HDF5 from earlier inputs.
template <class Change>
std::string changed_by_hdf5(const std::string& bytes, Change change) {
    static const ScratchFile file("input");
    file.write(bytes);
    const pid_t child = fork();
    if (child == 0) {
        constexpr unsigned kMaxSeconds = 10;
        alarm(kMaxSeconds);
        for (const int crash : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS}) {
            (void)std::signal(crash, SIG_DFL); // removes the handlers of the driver
        }
        const rlimit small{kMaxFileBytes, kMaxFileBytes};
        (void)std::signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &small);
        change(file.path());
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return file.read();
}

} // namespace

std::string trace_input(Random& random) {
    const std::vector<std::string>& seeds = valid_traces();
    const std::size_t which = random.below(seeds.size());
    std::string bytes = seeds[which];
    const std::uint64_t kind = random.below(20);
    if (kind < 8) {
        return changed_by_hdf5(bytes, [&](const std::string& path) { nudge_trace(path, random); });
    }
    if (kind < 14) {
        static const ScratchFile other("other");
        other.write(seeds.front());
        return changed_by_hdf5(bytes, [&](const std::string& path) {
            damage_trace(path, other.path(), random);
        });
    }
    if (kind < 17) {
        damage_structure(bytes, checksummed_ranges_of_seeds()[which], random);
    } else if (kind == 17) {
        const std::size_t pages = bytes.size() / kPage;
        bytes.resize(
            random.below(2) == 0 ? kPage * random.below(pages + 1) : random.below(bytes.size())
        );
    } else if (kind == 18) {
        damage_bytes(bytes, kPage, seeds.front(), random);
    }
    return bytes;
}

} // namespace headroom::fuzz

// Replaces the clock, because HDF5 writes the time of day into files and inputs must be
// reproducible. The functions are visible to libraries, else HDF5 would find the C library's.
namespace {
constexpr time_t kFixedTime = 1'700'000'000;
} // namespace

extern "C" __attribute__((visibility("default"))) time_t time(time_t* now) noexcept {
    if (now != nullptr) {
        *now = kFixedTime;
    }
    return kFixedTime;
}

extern "C" __attribute__((visibility("default"))) int
gettimeofday(timeval* now, void* /*zone*/) noexcept {
    *now = {kFixedTime, 0};
    return 0;
}
