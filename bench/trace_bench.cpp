// Measures what it costs to commit one interval of eight tokens to a trace file, in time and in
// bytes of the file, with and without --trace-ops. The operations and messages are those of turns
// with every block on a random device. The file is in the folder for temporary files and is
// removed.
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include "bench/sizes.hpp"
#include "scheduler/timing/timeline.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::trace {
namespace {

namespace fs = std::filesystem;
using scheduler::testing::Instance;

constexpr std::int64_t kTokens = 8; ///< per interval
constexpr std::int64_t kMoves = 4;

RunHeader header_of(const Instance& instance, bool with_ops) {
    RunHeader header;
    header.scenario = "seed = 7\n";
    for (std::size_t d = 0; d < instance.problem.snapshot.size(); ++d) {
        header.devices.push_back({.name = "device-" + std::to_string(d)});
    }
    for (std::size_t b = 0; b < instance.blocks->size(); ++b) {
        header.blocks.push_back({.name = "block-" + std::to_string(b)});
    }
    header.with_ops = with_ops;
    header.codes["intervals.policy"] = {"greedy"};
    if (with_ops) {
        for (int kind = 0; kind < 7; ++kind) {
            header.codes["messages.kind"].emplace_back(
                scheduler::name_of(static_cast<scheduler::Payload>(kind))
            );
        }
    }
    return header;
}

std::int32_t number(DeviceId d) {
    return static_cast<std::int32_t>(d.index());
}

/// Adds the operations and messages of kTokens turns, and the states of the links that they use.
void add_turns(const Instance& instance, bool with_ops, Interval& interval) {
    const scheduler::Problem& problem = instance.problem;
    const scheduler::SnapshotRates rates(problem.snapshot);
    const auto programs = scheduler::lower(
        *instance.blocks,
        scheduler::testing::random_placement_for(instance, 1),
        problem.source,
        problem.snapshot.size()
    );
    scheduler::Timeline timeline(*instance.blocks, problem.snapshot.size());
    std::set<std::pair<std::int32_t, std::int32_t>> links;
    for (std::int64_t turn = 0; turn < kTokens; ++turn) {
        scheduler::TimelineLog log;
        (void)timeline.turn(programs, rates, {512 + turn, 1}, problem.source, nullptr, &log);
        for (const scheduler::MessageRecord& message : log.messages) {
            links.emplace(number(message.from), number(message.to));
            interval.messages.push_back(
                {turn,
                 number(message.from),
                 number(message.to),
                 static_cast<std::int32_t>(message.payload),
                 message.layer,
                 message.bytes,
                 message.begin,
                 message.arrival}
            );
        }
        for (const scheduler::OpRecord& op : log.ops) {
            const auto block = static_cast<std::int32_t>(op.block.index());
            interval.ops.push_back({turn, number(op.device), block, op.start, op.end});
        }
    }
    for (const auto& [from, to] : links) {
        interval.link_states.push_back({.interval = 0, .from = from, .to = to});
    }
    if (!with_ops) {
        interval.ops.clear();
        interval.messages.clear();
    }
}

Interval interval_of(const Instance& instance, bool with_ops) {
    Interval interval;
    interval.row.tokens = kTokens;
    for (const DeviceId d : scheduler::testing::random_placement_for(instance, 1)) {
        interval.placement.push_back(number(d));
    }
    for (std::size_t d = 0; d < instance.problem.snapshot.size(); ++d) {
        interval.resources.push_back({.interval = 0, .device = static_cast<std::int32_t>(d)});
    }
    interval.migrations.resize(kMoves);
    interval.tokens.resize(kTokens);
    add_turns(instance, with_ops, interval);
    return interval;
}

/// A temporary path that only this process uses. The constructor and the destructor remove the
/// file.
class ScratchFile {
  public:
    ScratchFile()
        : path_(fs::temp_directory_path() / ("bench_trace." + std::to_string(getpid()) + ".h5")) {
        fs::remove(path_);
    }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ~ScratchFile() { fs::remove(path_); }
    [[nodiscard]] std::string path() const { return path_.string(); }
    [[nodiscard]] double bytes() const { return static_cast<double>(fs::file_size(path_)); }

  private:
    fs::path path_;
};

/// Returns the size of a complete trace of this number of equal intervals.
double file_bytes(const RunHeader& header, const Interval& interval, std::int64_t intervals) {
    const ScratchFile file;
    const auto sink = make_hdf5_sink(file.path(), false);
    sink->begin(header);
    for (std::int64_t i = 0; i < intervals; ++i) {
        sink->commit(interval);
    }
    sink->end(Completion::finished);
    return file.bytes();
}

void commit(benchmark::State& state, const bench::Size& size, bool with_ops) {
    const Instance instance = bench::instance(size, 1);
    const RunHeader header = header_of(instance, with_ops);
    const Interval interval = interval_of(instance, with_ops);
    {
        const ScratchFile file;
        const auto sink = make_hdf5_sink(file.path(), false);
        sink->begin(header);
        for (auto _ : state) {
            sink->commit(interval);
        }
        sink->end(Completion::finished);
    }
    const std::int64_t many = 1000;
    const std::int64_t fewer = many / 2;
    const double grown = file_bytes(header, interval, many) - file_bytes(header, interval, fewer);
    state.counters["bytes/interval"] = grown / static_cast<double>(many - fewer);
    state.counters["empty_file"] = file_bytes(header, interval, 0);
    state.counters["ops"] = static_cast<double>(interval.ops.size());
    state.counters["messages"] = static_cast<double>(interval.messages.size());
}

const bool kRegistered = [] {
    for (const bench::Size& size : {bench::kDemo, bench::kLarge}) {
        for (const bool with_ops : {false, true}) {
            // This limits the file: one interval of the larger fleet with operations has 1 MB.
            const std::int64_t intervals = with_ops && size.devices > 5 ? 200 : 2000;
            const std::string name =
                "commit/" + std::string(size.name) + (with_ops ? "/with_ops" : "");
            benchmark::RegisterBenchmark(
                name.c_str(), [=](benchmark::State& state) { commit(state, size, with_ops); }
            )
                ->Unit(benchmark::kMicrosecond)
                ->Iterations(intervals);
        }
    }
    return true;
}();

} // namespace
} // namespace headroom::trace
