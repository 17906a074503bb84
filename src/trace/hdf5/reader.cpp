#include "trace/hdf5/reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <optional>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "trace/hdf5/library/attribute.hpp"
#include "trace/hdf5/library/crash_guard.hpp"
#include "trace/hdf5/library/lock.hpp"
#include "trace/hdf5/library/table_reader.hpp"
#include "trace/hdf5/schema.hpp"
#include "trace/records/ranges.hpp"

namespace headroom::trace {

namespace {

std::optional<h5::UntrustedFile> opened_without_swmr(const std::string& path) {
    try {
        return h5::UntrustedFile(path, false);
    } catch (const EnvironmentError&) {
        return std::nullopt;
    }
}

void check_version(const h5::Attributes& root) {
    const auto version = root.numbers.find(kSchemaVersionAttribute);
    if (version == root.numbers.end()) {
        throw InputError("is an HDF5 file, but not a trace of ours: no schema_version");
    }
    if (version->second < kOldestSchemaVersion || version->second > kSchemaVersion) {
        throw InputError(fmt::format(
            "has schema version {}; this program reads versions {} to {}",
            version->second,
            kOldestSchemaVersion,
            kSchemaVersion
        ));
    }
}

void read_root_attributes(const h5::UntrustedFile& file, TraceFile& result) {
    h5::Attributes root = h5::read_attributes(file.file().get());
    check_version(root);
    result.schema_version = root.numbers[kSchemaVersionAttribute];
    result.hdf5_version = root.texts[kHdf5VersionAttribute];
    result.wall_started = root.texts[kWallStartedAttribute];
    root.texts.erase(kHdf5VersionAttribute);
    root.texts.erase(kWallStartedAttribute);
    root.numbers.erase(kSchemaVersionAttribute);
    result.trace.header.attributes = root.texts;
    result.trace.header.numbers = root.numbers;
}

void read_header(h5::UntrustedFile& file, std::int64_t schema_version, RunHeader& header) {
    header.codes.clear();
    header.scenario = text_of(h5::read_numbers(file, kScenario, FieldType::u8, {}));
    const ByteBuffer pool = h5::read_numbers(file, kInputPool, FieldType::u8, {});
    for (InputFileRow& input : h5::read_table<InputFileRow>(file, {}, pool, header.codes)) {
        header.input_files[input.path] = std::move(input.contents);
    }
    for_each_table(kHeaderTables, [&]<class Row>(std::vector<Row> RunHeader::*rows) {
        constexpr bool is_old = std::is_same_v<Row, DeviceRow> || std::is_same_v<Row, LinkRow> ||
                                std::is_same_v<Row, BlockRow>;
        if (is_old || schema_version > kOldestSchemaVersion) {
            const bool is_short =
                std::is_same_v<Row, ModelRow> && schema_version <= kLastShortModelVersion;
            header.*rows = h5::read_table<Row>(
                file, {}, {}, header.codes, is_short ? kFirstNewModelColumn : ""
            );
        }
    });
    header.with_ops = h5::has_dataset(file.file(), Table<OpRow>::name);
}

struct CommittedRows {
    std::vector<IntervalRow> rows;
    std::vector<RowCounts> counts;
};

/// Returns whether `number` may be `whole` after an interrupted write: all zeros, or the first
/// bytes and then zeros if the number lies across two pages.
bool is_partly_written(std::int64_t number, std::int64_t whole) {
    for (int bytes = 0; bytes < 8; ++bytes) {
        const std::int64_t first = whole & ((std::int64_t{1} << (8 * bytes)) - 1);
        if (number == first && number != whole) {
            return true;
        }
    }
    return false;
}

/// Returns the rows of /intervals that were written completely. Row i must count i + 1 placements.
/// After a kill, the last rows may be missing or incomplete; their counts are smaller. Any other
/// count means that the file is damaged, and so does a complete row after an incomplete one.
CommittedRows read_commits(h5::UntrustedFile& file, CodeNames& codes) {
    h5::TableReader table(file, Table<IntervalRow>::name);
    table.add<IntervalRow>();
    table.add<RowCounts>();
    table.add_codes(codes);
    const std::size_t rows = table.rows();
    const ByteBuffer bytes = table.read(rows);
    RowBytes rest(bytes);
    PooledTexts none({});
    CommittedRows commits;
    bool incomplete = false;
    for (std::size_t i = 0; i < rows; ++i) {
        const auto row = decode<IntervalRow>(rest, {}, none);
        const auto counts = decode<RowCounts>(rest, {}, none);
        const auto expected = static_cast<std::int64_t>(i) + 1;
        if (counts.placements == expected && !incomplete) {
            commits.rows.push_back(row);
            commits.counts.push_back(counts);
            continue;
        }
        if (!is_partly_written(counts.placements, expected)) {
            throw InputError(fmt::format(
                "damaged: row {} of /intervals counts {} placements, expected {}",
                i,
                counts.placements,
                expected
            ));
        }
        incomplete = true;
    }
    return commits;
}

/// Reads the committed rows of the tables and distributes them to their intervals.
class IntervalFiller {
  public:
    IntervalFiller(h5::UntrustedFile& file, const CommittedRows& commits, Trace& trace)
        : file_(file), commits_(commits), trace_(trace) {
        pool_ = h5::read_numbers(file, kTextPool, FieldType::u8, committed(&RowCounts::text_pool));
    }

    template <class Row>
    void fill(std::vector<Row> Interval::*rows) {
        constexpr auto count = count_of<Row>();
        std::vector<Row> all =
            h5::read_table<Row>(file_, committed(count), pool_, trace_.header.codes);
        std::size_t next = 0;
        for (std::size_t i = 0; i < trace_.intervals.size(); ++i) {
            const auto end = static_cast<std::size_t>(commits_.counts[i].*count);
            if (end < next || end > all.size()) {
                throw InputError("damaged: row counts of /intervals do not grow");
            }
            for (; next < end; ++next) {
                (trace_.intervals[i].*rows).push_back(std::move(all[next]));
            }
        }
    }

    void fill_placements() {
        const std::size_t blocks = trace_.header.blocks.size();
        const std::size_t intervals = trace_.intervals.size();
        const std::size_t width = std::max<std::size_t>(1, blocks);
        const ByteBuffer bytes =
            h5::read_numbers(file_, kPlacements, FieldType::i32, intervals, width);
        RowBytes rest(bytes);
        for (Interval& interval : trace_.intervals) {
            for (std::size_t column = 0; column < width; ++column) {
                const auto device = rest.take<std::int32_t>();
                if (column < blocks) {
                    interval.placement.push_back(device);
                }
            }
        }
    }

  private:
    [[nodiscard]] std::size_t committed(std::int64_t RowCounts::*count) const {
        const std::int64_t rows = commits_.counts.empty() ? 0 : commits_.counts.back().*count;
        if (rows < 0) {
            throw InputError("damaged: negative row counts in /intervals");
        }
        return static_cast<std::size_t>(rows);
    }

    h5::UntrustedFile& file_;
    const CommittedRows& commits_;
    Trace& trace_;
    ByteBuffer pool_;
};

void read_intervals(h5::UntrustedFile& file, Trace& trace) {
    // This table is read first: if the run is going on, the other tables can only grow meanwhile.
    const CommittedRows commits = read_commits(file, trace.header.codes);
    trace.intervals.resize(commits.rows.size());
    for (std::size_t i = 0; i < commits.rows.size(); ++i) {
        trace.intervals[i].row = commits.rows[i];
    }
    IntervalFiller filler(file, commits, trace);
    filler.fill_placements();
    for_each_table(kIntervalTables, [&]<class Row>(std::vector<Row> Interval::*rows) {
        if (!kNeedsOps<Row> || trace.header.with_ops) {
            filler.fill(rows);
        }
    });
}

Completion read_completion(h5::UntrustedFile& file) {
    const ByteBuffer bytes = h5::read_numbers(file, kComplete, FieldType::i32, 1);
    const auto code = RowBytes(bytes).take<std::int32_t>();
    if (code < 0 || static_cast<std::size_t>(code) >= completion_names().size()) {
        throw InputError(fmt::format("damaged: /complete has the unknown code {}", code));
    }
    return static_cast<Completion>(code);
}

TraceFile read_all(const std::string& path) {
    h5::check_ordinary(path);
    TraceFile result;
    const WriterInfo writer = find_writer(path);
    result.is_being_written = writer.is_running;
    result.possible_writer = writer.possible_writer;
    std::optional<h5::UntrustedFile> file = opened_without_swmr(path);
    result.ended_cleanly = file.has_value();
    if (!file) {
        file = h5::UntrustedFile(path, true);
    }
    read_root_attributes(*file, result);
    read_header(*file, result.schema_version, result.trace.header);
    result.trace.completion = read_completion(*file);
    read_intervals(*file, result.trace);
    check_ranges(result.trace);
    result.ended_cleanly = result.ended_cleanly && result.trace.completion != Completion::running;
    return result;
}

/// Throws EnvironmentError if the computer lacks file descriptors or memory to open a file.
void check_can_open(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // for pipes
    const int failure = descriptor < 0 ? errno : close(descriptor);
    if (failure == EMFILE || failure == ENFILE || failure == ENOMEM) {
        throw EnvironmentError(fmt::format(
            "{}: cannot be opened: {}; expected room for one more file: raise the limits (ulimit "
            "-n, ulimit -v), or end other programs",
            path,
            std::strerror(failure)
        ));
    }
}

} // namespace

TraceFile open_trace(const std::string& path) {
    constexpr const char* kHint = "\n  expected a whole trace that this version of headroom wrote; "
                                  "copy it again, or run again";
    h5::prepare_library();
    check_can_open(path);
    const h5::CrashGuard guard(path);
    try {
        return read_all(path);
    } catch (const InputError& error) {
        throw InputError(fmt::format("{}: {}{}", path, error.what(), kHint));
    } catch (const h5::HostLimitError& error) {
        throw EnvironmentError(fmt::format("{}: cannot be read now: {}", path, error.what()));
    } catch (const EnvironmentError& error) {
        throw InputError(
            fmt::format("{}: cannot be read as a trace: {}{}", path, error.what(), kHint)
        );
    } catch (const std::bad_alloc&) {
        if (!guard.limits_memory()) {
            throw;
        }
        throw InputError(
            fmt::format("{}: damaged: it asks for more memory than a trace needs{}", path, kHint)
        );
    }
}

std::string assumed_dead_warning(const std::string& path, const std::string& writer) {
    return fmt::format(
        "{}: was written by {}, where files cannot be locked; it has not grown for some seconds, "
        "so that process is taken for dead: make sure that it is",
        path,
        writer
    );
}

} // namespace headroom::trace
