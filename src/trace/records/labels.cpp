#include "trace/records/labels.hpp"

namespace headroom::trace {

std::string device_label(const RunHeader& header, std::int32_t device) {
    const auto index = static_cast<std::size_t>(device);
    return device < 0 || index >= header.devices.size() || header.devices[index].name.empty()
               ? "device " + std::to_string(device)
               : header.devices[index].name;
}

std::string link_label(const RunHeader& header, std::int32_t from, std::int32_t to) {
    return device_label(header, from) + " → " + device_label(header, to);
}

std::string block_label(const RunHeader& header, std::int32_t block) {
    const auto index = static_cast<std::size_t>(block);
    return block < 0 || index >= header.blocks.size() || header.blocks[index].name.empty()
               ? "block " + std::to_string(block)
               : header.blocks[index].name;
}

std::string code_label(const RunHeader& header, const std::string& column, std::int32_t code) {
    const auto found = header.codes.find(column);
    const auto index = static_cast<std::size_t>(code);
    return found == header.codes.end() || code < 0 || index >= found->second.size()
               ? std::to_string(code)
               : found->second[index];
}

std::string attribute_of(
    const RunHeader& header, const std::string& name, const std::string& otherwise
) {
    const auto found = header.attributes.find(name);
    return found == header.attributes.end() ? otherwise : found->second;
}

bool could_overlap(const RunHeader& header) {
    const auto most = header.numbers.find("in_flight");
    return most != header.numbers.end() && most->second > 1;
}

} // namespace headroom::trace
