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
constexpr rlim_t kLargest = 1 << 20; ///< tables that claim to be huge would make huge files

const std::vector<std::vector<Guarded>>& guarded_seeds() {
    static const std::vector<std::vector<Guarded>> all = [] {
        std::vector<std::vector<Guarded>> found;
        for (const std::string& seed : sound_traces()) {
            found.push_back(guarded_in(seed));
        }
        return found;
    }();
    return all;
}

/// A number of 1 to 8 bytes that tempts.
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

/// HDF5's own structures, with checksums that fit.
void damage_structure(std::string& bytes, const std::vector<Guarded>& pieces, Random& random) {
    for (std::uint64_t wounds = 1 + random.below(2); wounds > 0; --wounds) {
        const Guarded& piece = pieces[random.below(pieces.size())];
        constexpr std::size_t kSignature = 4;
        put_number(bytes, piece.begin + kSignature, piece.end, random);
        if (random.below(10) > 0) {
            seal(bytes, piece);
        }
    }
}

/// In a process of its own: what it is asked for makes HDF5 crash sometimes, and then the file is
/// left as it was then. The library keeps nothing in mind from one input to the next, too.
template <class Change>
std::string through_hdf5(const std::string& bytes, Change change) {
    static const ScratchFile file("input");
    file.write(bytes);
    const pid_t child = fork();
    if (child == 0) {
        constexpr unsigned kMostSeconds = 10;
        alarm(kMostSeconds);
        for (const int crash : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS}) {
            (void)std::signal(crash, SIG_DFL); // not the driver's
        }
        const rlimit small{kLargest, kLargest};
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
    const std::vector<std::string>& seeds = sound_traces();
    const std::size_t which = random.below(seeds.size());
    std::string bytes = seeds[which];
    const std::uint64_t kind = random.below(20);
    if (kind < 8) {
        return through_hdf5(bytes, [&](const std::string& path) { nudge_trace(path, random); });
    }
    if (kind < 14) {
        static const ScratchFile other("other");
        other.write(seeds.front());
        return through_hdf5(bytes, [&](const std::string& path) {
            damage_trace(path, other.path(), random);
        });
    }
    if (kind < 17) {
        damage_structure(bytes, guarded_seeds()[which], random);
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

// HDF5 writes the time of day into files; inputs are to be the same tomorrow.
namespace {
constexpr time_t kThen = 1'700'000'000;
} // namespace

extern "C" time_t time(time_t* now) noexcept {
    if (now != nullptr) {
        *now = kThen;
    }
    return kThen;
}

extern "C" int gettimeofday(timeval* now, void* /*zone*/) noexcept {
    *now = {kThen, 0};
    return 0;
}
