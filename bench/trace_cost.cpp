// Measures what writing a trace costs a whole run. Processes run a scenario, with all devices in
// one process, alternately with and without a trace file. The program prints the CPU times of these
// processes, the CPU time spent in the trace sink, and the growth of the file per interval.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "base/units.hpp"
#include "bench/arguments.hpp"
#include "comm/inprocess/inprocess.hpp"
#include "config/scenario/scenario.hpp"
#include "kernels/kernels.hpp"
#include "runtime/session/session.hpp"
#include "scheduler/policies/registry.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom {
namespace {

namespace fs = std::filesystem;
using bench::Arguments;

constexpr std::string_view kUsage =
    "usage: trace_cost [--scenario S.toml] [--count N] [--trace-ops] [--limit PERCENT]\n"
    "  N (15) processes each run the scenario (data/scenarios/demo.toml) without and with a trace\n"
    "  file, which lies among the temporary files. User and system time; medians, and in brackets\n"
    "  the least and the most. Exit code 1 if the sink takes more than PERCENT (100) of a run.\n";

/// The cost of the sink in one process with a trace file. Times are CPU times of the writing
/// thread.
struct SinkCost {
    std::array<Nanoseconds, 3> spent{}; ///< begin() with opening the file, all commits, end()
    std::int64_t intervals = 0;
    std::int64_t bytes_begun = 0; ///< file size after begin()
    std::int64_t bytes = 0;       ///< file size after end()
};

Nanoseconds thread_time() {
    timespec time{};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<Nanoseconds>(time.tv_sec) * kSecond + time.tv_nsec;
}

/// A sink that writes a trace file and measures the CPU time of each call.
class TimedSink final : public trace::Sink {
  public:
    explicit TimedSink(fs::path path) : path_(std::move(path)) {}

    void begin(const trace::RunHeader& header) override {
        timed(0, [&] {
            fs::remove(path_); // otherwise a temporary file would be written first
            file_ = trace::make_hdf5_sink(path_.string(), false);
            file_->begin(header);
        });
        cost_.bytes_begun = static_cast<std::int64_t>(fs::file_size(path_));
    }
    void commit(const trace::Interval& interval) override {
        timed(1, [&] { file_->commit(interval); });
        ++cost_.intervals;
    }
    void end(trace::Completion completion) override {
        timed(2, [&] { file_->end(completion); });
        cost_.bytes = static_cast<std::int64_t>(fs::file_size(path_));
    }
    [[nodiscard]] const SinkCost& cost() const { return cost_; }

  private:
    void timed(std::size_t part, const std::function<void()>& action) {
        const Nanoseconds before = thread_time();
        action();
        cost_.spent[part] += thread_time() - before;
    }

    fs::path path_;
    std::unique_ptr<trace::Sink> file_;
    SinkCost cost_;
};

void run_once(const config::Scenario& scenario, trace::Sink* sink, bool trace_ops) {
    const auto policy = scheduler::make_policy(scenario.controller.policy);
    comm::InprocessFleet fleet(scenario.fleet.size());
    fleet.run([&](comm::Transport& transport) {
        runtime::RunOptions options;
        options.scenario = &scenario;
        options.level = kernels::best_level();
        options.trace_ops = trace_ops;
        if (transport.self() == DeviceId(0)) {
            options.policy = policy.get();
            options.sink = sink;
        }
        const runtime::RunOutcome outcome = runtime::run_device(options, transport);
        if (outcome.exit_code != 0) {
            throw std::runtime_error(outcome.message);
        }
    });
}

struct Measurement {
    Nanoseconds cpu = 0; ///< user and system time of the process
    SinkCost sink;
};

Nanoseconds nanoseconds_of(const timeval& time) {
    return static_cast<Nanoseconds>(time.tv_sec) * kSecond +
           static_cast<Nanoseconds>(time.tv_usec) * 1000;
}

/// Runs the scenario in a child process, so that costs that arise once per process are measured
/// too. With an empty `file` there is no trace.
Measurement measure(const config::Scenario& scenario, const fs::path& file, bool trace_ops) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        throw std::runtime_error("no pipe");
    }
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        SinkCost cost;
        try {
            TimedSink sink(file);
            run_once(scenario, file.empty() ? nullptr : &sink, trace_ops);
            cost = sink.cost();
        } catch (const std::exception& error) {
            fmt::print(stderr, "trace_cost: {}\n", error.what());
            ::_exit(1);
        }
        const bool is_written = ::write(ends[1], &cost, sizeof(cost)) == sizeof(cost);
        ::_exit(is_written ? 0 : 1);
    }
    (void)::close(ends[1]);
    Measurement result;
    const bool is_written = ::read(ends[0], &result.sink, sizeof(SinkCost)) == sizeof(SinkCost);
    (void)::close(ends[0]);
    int status = 0;
    rusage use{};
    if (child < 0 || ::wait4(child, &status, 0, &use) != child || status != 0 || !is_written) {
        throw std::runtime_error("a run failed");
    }
    result.cpu = nanoseconds_of(use.ru_utime) + nanoseconds_of(use.ru_stime);
    return result;
}

struct Range {
    double minimum = 0;
    double median = 0;
    double maximum = 0;
};

Range range_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return {values.front(), values[values.size() / 2], values.back()};
}

std::string milliseconds(const Range& range) {
    return fmt::format(
        "{:9.3f} ms  ({:.3f} to {:.3f})",
        range.median / 1e6,
        range.minimum / 1e6,
        range.maximum / 1e6
    );
}

template <class Get>
Range range_over(const std::vector<Measurement>& all, Get get) {
    std::vector<double> values;
    for (const Measurement& one : all) {
        values.push_back(static_cast<double>(get(one)));
    }
    return range_of(std::move(values));
}

Nanoseconds sink_time(const Measurement& one) {
    return one.sink.spent[0] + one.sink.spent[1] + one.sink.spent[2];
}

int compare(int argc, char** argv) {
    const Arguments arguments(argc, argv, {"--scenario", "--count", "--limit"}, {"--trace-ops"});
    const fs::path path = arguments.text("--scenario", "data/scenarios/demo.toml");
    const std::int64_t count = arguments.number("--count", 15, 1);
    const bool trace_ops = arguments.has("--trace-ops");
    const double limit = bench::parse_decimal("--limit", arguments.text("--limit", "100"));
    const config::Scenario scenario = config::load_scenario(path, {});
    const fs::path file = fs::temp_directory_path() / fmt::format("trace_cost.{}.h5", ::getpid());
    std::vector<Measurement> without;
    std::vector<Measurement> with;
    for (std::int64_t i = 0; i < count; ++i) {
        without.push_back(measure(scenario, {}, trace_ops));
        with.push_back(measure(scenario, file, trace_ops));
    }
    fs::remove(file);
    const auto cpu = [](const Measurement& one) { return one.cpu; };
    const Range plain = range_over(without, cpu);
    const Range traced = range_over(with, cpu);
    const Range sink = range_over(with, sink_time);
    const SinkCost& one = with.back().sink;
    const auto part = [&](std::size_t p) {
        return range_over(with, [p](const Measurement& m) { return m.sink.spent[p]; });
    };
    const auto intervals = static_cast<double>(std::max<std::int64_t>(1, one.intervals));
    const double share = 100.0 * sink.median / plain.median;
    fmt::print(
        "{}{}, {} intervals, {} runs of each\n",
        path.filename().string(),
        trace_ops ? " with operations" : "",
        one.intervals,
        count
    );
    fmt::print("  a run without a trace  {}\n", milliseconds(plain));
    fmt::print("  with one               {}\n", milliseconds(traced));
    fmt::print("  in the sink            {}, {:.2f} % of a run\n", milliseconds(sink), share);
    fmt::print("    opening, static      {}\n", milliseconds(part(0)));
    fmt::print(
        "    commits              {}, {:.1f} us each\n",
        milliseconds(part(1)),
        part(1).median / intervals / 1e3
    );
    fmt::print("    closing              {}\n", milliseconds(part(2)));
    fmt::print(
        "  file                   {} B: {} B when begun, {:.0f} B per interval\n",
        one.bytes,
        one.bytes_begun,
        static_cast<double>(one.bytes - one.bytes_begun) / intervals
    );
    return share > limit ? 1 : 0;
}

} // namespace
} // namespace headroom

int main(int argc, char** argv) {
    return headroom::bench::run_program(argc, argv, headroom::kUsage, headroom::compare);
}
