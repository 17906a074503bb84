// The reference of all keys: the page of the manual with its table of keys made from the rows.
#include "config/reader/key_reference.hpp"

#include <fmt/format.h>

#include "config/sections/keys.hpp"

namespace headroom::config {

std::string key_reference() {
    std::string table = "| key | value | default | meaning |\n|---|---|---|---|\n";
    const std::size_t head = table.find('\n');
    const std::string_view page = reference_page();
    const std::size_t begin = page.find(std::string_view(table).substr(0, head));
    for (const KeyDescription& row : key_descriptions()) {
        table += fmt::format(
            "| {} | {} | {} | {} |\n",
            row.key.empty() ? fmt::format("**{}**", row.section) : fmt::format("`{}`", row.key),
            row.values,
            row.standard,
            row.meaning
        );
    }
    const std::size_t end = page.find("\n\n", begin);
    return fmt::format("{}{}{}", page.substr(0, begin), table, page.substr(end + 1));
}

} // namespace headroom::config
