#include "bench/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include <fmt/format.h>

namespace headroom::bench {
namespace {

template <class Number>
Number parse_number(std::string_view what, std::string_view text, std::string_view expected) {
    Number value{};
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stop != text.data() + text.size()) {
        throw BadArgument(fmt::format("{}: '{}' is not {}", what, text, expected));
    }
    return value;
}

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

Arguments::Arguments(
    int argc,
    char** argv,
    const std::vector<std::string_view>& names,
    const std::vector<std::string_view>& flags
) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (contains(flags, name)) {
            values_.emplace_back(name, "");
        } else if (!contains(names, name)) {
            throw BadArgument(fmt::format("unknown option '{}'", name));
        } else if (++i == argc) {
            throw BadArgument(fmt::format("{} needs a value", name));
        } else {
            values_.emplace_back(name, argv[i]);
        }
    }
}

bool Arguments::has(std::string_view name) const {
    return std::any_of(values_.begin(), values_.end(), [&](const auto& pair) {
        return pair.first == name;
    });
}

std::string_view Arguments::text(std::string_view name, std::string_view default_value) const {
    for (const auto& [key, value] : values_) {
        if (key == name) {
            return value;
        }
    }
    return default_value;
}

std::int64_t Arguments::number(
    std::string_view name, std::int64_t default_value, std::int64_t minimum
) const {
    const std::int64_t value = has(name) ? parse_integer(name, text(name, "")) : default_value;
    if (value < minimum) {
        throw BadArgument(fmt::format("{}: {} is below {}", name, value, minimum));
    }
    return value;
}

std::int64_t parse_integer(std::string_view what, std::string_view text) {
    return parse_number<std::int64_t>(what, text, "a whole number");
}

double parse_decimal(std::string_view what, std::string_view text) {
    return parse_number<double>(what, text, "a number");
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

int run_program(
    int argc, char** argv, std::string_view usage, int (*program)(int argc, char** argv)
) {
    const bool wants_help = std::any_of(argv + 1, argv + argc, [](const char* word) {
        return std::string_view(word) == "--help";
    });
    if (wants_help) {
        fmt::print("{}", usage);
        return 0;
    }
    try {
        return program(argc, argv);
    } catch (const BadArgument& error) {
        fmt::print(stderr, "{}: {}\n{}", argv[0], error.what(), usage);
        return 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {}\n", argv[0], error.what());
        return 4;
    }
}

} // namespace headroom::bench
