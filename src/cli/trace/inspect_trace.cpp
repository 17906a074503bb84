#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/run/summary_text.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/screen.hpp"
#include "cli/trace/inspect_command.hpp"
#include "cli/trace/inspect_trace_events.hpp"
#include "cli/trace/inspect_trace_json.hpp"
#include "cli/trace/inspect_trace_pictures.hpp"
#include "cli/trace/inspect_trace_tables.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/analysis/summary.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/repair.hpp"

namespace headroom::cli {

namespace {

void repair_trace(const std::string& path) {
    const bool changed =
        trace::repair(path, [](const std::string& text) { print_warnings({text}); });
    say(stderr,
        "{}: {}\n",
        path,
        changed ? "is an ordinary HDF5 file now" : "was in order, nothing changed");
}

/// Prints the attributes of the run, except those of later parts, which have a table of their own.
void print_attributes(const trace::RunHeader& header) {
    for (const auto& [name, value] : header.attributes) {
        if (!trace::is_later_part_attribute(name)) {
            say(stdout, "  {:<24}{}\n", name, value);
        }
    }
    for (const auto& [name, value] : header.numbers) {
        say(stdout, "  {:<24}{}\n", name, value);
    }
}

/// Replaces the device names by printable ones, before tables compute their widths.
void make_names_printable(trace::RunHeader& header, trace::Summary& summary) {
    for (trace::DeviceRow& device : header.devices) {
        device.name = printable(stdout, device.name);
    }
    for (trace::DeviceSummary& device : summary.devices) {
        device.name = printable(stdout, device.name);
    }
}

} // namespace

int inspect_trace(const InspectCommand& command) {
    if (command.repair) {
        repair_trace(command.file.string());
    }
    trace::TraceFile file = trace::open_trace(command.file.string());
    trace::Summary summary = trace::summary_of(file.trace);
    if (command.json) {
        print_json(trace_json(file, summary));
        return 0;
    }
    make_names_printable(file.trace.header, summary);
    say(stdout,
        "trace {}: {}",
        command.file.string(),
        trace::completion_names()[static_cast<std::size_t>(file.trace.completion)]);
    if (file.trace.completion == trace::Completion::running) {
        say(stdout,
            " {}",
            file.is_being_written ? "(its program runs still)"
            : file.possible_writer.empty()
                ? "(killed; all committed intervals are here)"
                : fmt::format("({} does not add to it any more)", file.possible_writer));
    }
    say(stdout, "\n\n");
    print_attributes(file.trace.header);
    if (const std::string parts = part_table(file.trace); !parts.empty()) {
        say(stdout, "\n{}", parts);
    }
    say(stdout, "\n{}\n", summary_text(summary));
    put_as_is(stdout, pictures_text(file.trace, summary, PictureStyle::of_stdout()));
    say(stdout, "{}\n", placement_table(file.trace));
    say(stdout, "{}{}", event_list(file.trace), decision_table(file.trace));
    if (!summary.text.empty()) {
        say(stdout, "\n{}\n", summary.text);
    }
    return 0;
}

} // namespace headroom::cli
