#include "trace/analysis/parts.hpp"

#include <array>

#include <fmt/format.h>

namespace headroom::trace {

namespace {

constexpr const char* kHost = "host";

struct Field {
    const char* attribute;
    std::string Part::*member;
};
constexpr std::array kFields{
    Field{"program_version", &Part::version},
    Field{"program_commit", &Part::commit},
    Field{"clock", &Part::clock},
    Field{"kernels", &Part::kernels},
    Field{"transport", &Part::transport},
    Field{kHost, &Part::host},
};

/// What depends on the host is called so that comparisons pass over it (is_host_attribute).
std::string name_of(const std::string& attribute, std::size_t number) {
    if (number == 1) {
        return attribute;
    }
    return attribute == kHost ? fmt::format("{}_part_{}", attribute, number)
                              : fmt::format("part_{}_{}", number, attribute);
}

} // namespace

std::vector<Part> parts_of(const Trace& trace) {
    std::vector<Part> parts;
    for (const Stretch& stretch : stretches_of(trace)) {
        Part& part = parts.emplace_back();
        part.intervals = stretch;
        for (const Field& field : kFields) {
            const auto found = trace.header.attributes.find(name_of(field.attribute, parts.size()));
            part.*field.member = found == trace.header.attributes.end() ? "" : found->second;
        }
    }
    return parts;
}

bool is_of_later_part(std::string_view attribute) {
    return attribute.starts_with("part_") || attribute.starts_with("host_part_");
}

void note_part(RunHeader& header, std::size_t number, const RunHeader& by) {
    for (const Field& field : kFields) {
        const auto found = by.attributes.find(field.attribute);
        if (found != by.attributes.end()) {
            header.attributes[name_of(field.attribute, number)] = found->second;
        }
    }
}

} // namespace headroom::trace
