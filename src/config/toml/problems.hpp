// All that is wrong with a scenario, collected with its places, told at once and in file order.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <toml++/toml.h>

namespace headroom::config {

class Problems {
  public:
    /// file: how messages name the scenario; what comes from elsewhere (command line) names itself
    /// by the path of its source region.
    explicit Problems(std::string file) : file_(std::move(file)) {}

    void add(const toml::source_region& where, const std::string& text);
    /// A problem of a command line option, placed behind those of the file.
    void add_option(const std::string& option, const std::string& text);
    [[nodiscard]] bool empty() const { return problems_.empty(); }
    [[nodiscard]] std::size_t size() const { return problems_.size(); }
    [[nodiscard]] const std::string& file() const { return file_; }
    /// Throws InputError with all of them, sorted by line and column; nothing if there are none.
    void throw_if_any() const;

  private:
    struct Problem {
        bool option = false;
        toml::source_position place;
        std::string text;
    };
    std::string file_;
    std::vector<Problem> problems_;
};

} // namespace headroom::config
