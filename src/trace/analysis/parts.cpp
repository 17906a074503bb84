#include "trace/analysis/parts.hpp"

#include <fmt/format.h>

#include "trace/records/labels.hpp"

namespace headroom::trace {

namespace {

/// Returns the name that an attribute has in the header for one part. The name of the host begins
/// with "host_", so that comparisons leave it out (is_host_attribute).
std::string attribute_name(const std::string& attribute, std::size_t number) {
    if (number == 1) {
        return attribute;
    }
    return attribute == "host" ? fmt::format("{}_part_{}", attribute, number)
                               : fmt::format("part_{}_{}", number, attribute);
}

} // namespace

std::vector<RunPart> run_parts(const Trace& trace) {
    std::vector<RunPart> parts;
    for (const IntervalRange& range : part_ranges(trace)) {
        RunPart& part = parts.emplace_back();
        part.intervals = range;
        for (const RunPartField& field : kRunPartFields) {
            part.*field.member = attribute_of(
                trace.header, attribute_name(field.attribute, parts.size()), field.otherwise
            );
        }
    }
    return parts;
}

std::vector<std::string> policy_versions(const Trace& trace) {
    std::vector<std::string> versions;
    for (const RunPart& part : run_parts(trace)) {
        versions.resize(part.intervals.last, part.policy_version);
    }
    return versions;
}

bool is_later_part_attribute(std::string_view attribute) {
    return attribute.starts_with("part_") || attribute.starts_with("host_part_");
}

void record_run_part(RunHeader& header, std::size_t number, const RunHeader& by) {
    for (const RunPartField& field : kRunPartFields) {
        const auto found = by.attributes.find(field.attribute);
        if (found != by.attributes.end()) {
            header.attributes[attribute_name(field.attribute, number)] = found->second;
        }
    }
}

} // namespace headroom::trace
