#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/console.hpp"
#include "cli/inspect_command.hpp"
#include "cli/inspect_trace_events.hpp"
#include "cli/inspect_trace_json.hpp"
#include "cli/inspect_trace_pictures.hpp"
#include "cli/inspect_trace_tables.hpp"
#include "cli/summary_text.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/repair.hpp"
#include "trace/parts.hpp"
#include "trace/summary.hpp"

namespace headroom::cli {

namespace {

void repair_trace(const std::string& path) {
    const bool changed = trace::repair(path, [](const std::string& text) {
        print_warnings(Terminal::look(), {text});
    });
    fmt::print(
        stderr,
        "{}: {}\n",
        path,
        changed ? "is an ordinary HDF5 file now" : "was in order, nothing changed"
    );
}

/// Those of later parts have a table of their own.
void print_attributes(const trace::RunHeader& header) {
    for (const auto& [name, value] : header.attributes) {
        if (!trace::is_of_later_part(name)) {
            fmt::print("  {:<24}{}\n", name, value);
        }
    }
    for (const auto& [name, value] : header.numbers) {
        fmt::print("  {:<24}{}\n", name, value);
    }
}

} // namespace

int inspect_trace(const InspectCommand& command) {
    if (command.repair) {
        repair_trace(command.file.string());
    }
    const trace::TraceFile file = trace::open_trace(command.file.string());
    const trace::Summary summary = trace::summary_of(file.trace);
    if (command.json) {
        print_json(trace_json(file, summary));
        return 0;
    }
    fmt::print(
        "trace {}: {}",
        command.file.string(),
        trace::completion_names()[static_cast<std::size_t>(file.trace.completion)]
    );
    if (file.trace.completion == trace::Completion::running) {
        fmt::print(
            " {}",
            file.being_written ? "(its program runs still)"
            : file.perhaps_written_by.empty()
                ? "(killed; all committed intervals are here)"
                : fmt::format("({} does not add to it any more)", file.perhaps_written_by)
        );
    }
    fmt::print("\n\n");
    print_attributes(file.trace.header);
    if (const std::string parts = part_table(file.trace); !parts.empty()) {
        fmt::print("\n{}", parts);
    }
    fmt::print("\n{}\n", summary_text(summary));
    fmt::print("{}", pictures_text(file.trace, summary, PictureStyle::of_stdout()));
    fmt::print("{}\n", placement_table(file.trace));
    fmt::print("{}{}", event_list(file.trace), decision_table(file.trace));
    if (!summary.text.empty()) {
        fmt::print("\n{}\n", summary.text);
    }
    return 0;
}

} // namespace headroom::cli
