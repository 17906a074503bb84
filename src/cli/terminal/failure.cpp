#include "cli/terminal/failure.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/terminal/streams.hpp"

namespace headroom::cli {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::size_t word = std::min(text.find_first_not_of(' ', begin), end);
        lines.push_back(text.substr(word, end - word));
        begin = end + 1;
    }
    return lines;
}

namespace {

int print_failure(ExitCode code, const std::string& text, bool json, nlohmann::json object) {
    print_error(text);
    if (json) {
        object["exit_code"] = static_cast<int>(code);
        say(stdout, "{}\n", object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        std::fflush(stdout);
    }
    return static_cast<int>(code);
}

} // namespace

nlohmann::json error_json(const std::string& text, const ErrorFields& fields) {
    nlohmann::json json{{"error", lines_of(text)}};
    for (const ErrorField& field : fields) {
        nlohmann::json& fact = json["error_facts"][std::string(field.name)];
        std::visit([&](const auto& value) { fact = value; }, field.value);
    }
    return json;
}

int report_failure(ExitCode code, const std::string& text, bool json, const ErrorFields& fields) {
    return print_failure(code, text, json, error_json(text, fields));
}

ExitCode exit_code_for(const std::exception& error) {
    if (const auto* const known = dynamic_cast<const Error*>(&error)) {
        return known->code();
    }
    return dynamic_cast<const std::logic_error*>(&error) != nullptr ? ExitCode::bug
                                                                    : ExitCode::environment;
}

std::string message_for(const std::exception& error) {
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
        return "this computer has no memory left for the run: expected room for the model and all "
               "devices that run here\n"
               "  end other programs, take a smaller model, or spread the ranks over more "
               "computers";
    }
    const auto* const refused = dynamic_cast<const std::system_error*>(&error);
    if (refused != nullptr && std::string_view(error.what()).starts_with("cannot write to file")) {
        return "standard output could not be written: " +
               write_failure_reason(refused->code().value());
    }
    if (exit_code_for(error) == ExitCode::bug) {
        return fmt::format(
            "this is a bug in headroom, not in what you gave it: {}\n"
            "  please report it with the command, the scenario and what headroom --version prints",
            error.what()
        );
    }
    return error.what();
}

int report_failure(const std::exception& error, bool json) {
    const std::string text = message_for(error);
    const auto* const known = dynamic_cast<const Error*>(&error);
    nlohmann::json object = error_json(text, known != nullptr ? known->fields() : ErrorFields());
    if (const auto* const input = dynamic_cast<const InputError*>(&error)) {
        for (const InputProblem& problem : input->located()) {
            if (!problem.where.empty()) {
                object["problems"].push_back({{"where", problem.where}, {"text", problem.text}});
            }
        }
    }
    return print_failure(exit_code_for(error), text, json, std::move(object));
}

} // namespace headroom::cli
