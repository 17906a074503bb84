#include "runtime/setup/device_names.hpp"

#include <charconv>
#include <string_view>

namespace headroom::runtime {

std::string with_device_names(const std::string& text, const scheduler::Fleet& fleet) {
    constexpr std::string_view kWord = "device ";
    std::string named;
    std::size_t done = 0;
    for (std::size_t at = text.find(kWord); at != std::string::npos; at = text.find(kWord, done)) {
        const char* const digits = text.data() + at + kWord.size();
        std::size_t device = fleet.size();
        const auto end = std::from_chars(digits, text.data() + text.size(), device).ptr;
        const bool known = end != digits && device < fleet.size();
        named.append(text, done, at - done);
        named += known ? fleet.devices[device].name : std::string(kWord);
        done = static_cast<std::size_t>((known ? end : digits) - text.data());
    }
    return named.append(text, done);
}

} // namespace headroom::runtime
