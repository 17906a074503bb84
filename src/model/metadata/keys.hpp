// Reads keys of a GGUF file's metadata and collects the problems of their values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/architectures/architecture.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

class Keys {
  public:
    Keys(
        const GgufFile& file, const Architecture& architecture, std::vector<std::string>& problems
    );

    /// Returns a key of the architecture.
    [[nodiscard]] std::string key(std::string_view name) const {
        return prefix_ + std::string(name);
    }
    [[nodiscard]] const GgufFile& file() const { return *file_; }
    [[nodiscard]] const Architecture& architecture() const { return *architecture_; }
    /// Returns whether the architecture gives this key a meaning.
    [[nodiscard]] bool has_meaning(std::string_view name) const;

    void problem(const std::string& text);

    template <class T>
    using Getter = std::optional<T> (GgufFile::*)(std::string_view) const;

    /// Returns the value of any optional key. A value of another type is a problem.
    template <class T>
    std::optional<T> any(const std::string& full_key, Getter<T> get) {
        try {
            return (file_->*get)(full_key);
        } catch (const InputError& error) {
            problems_->insert(problems_->end(), error.problems().begin(), error.problems().end());
            return std::nullopt;
        }
    }

    /// Returns the value of a key of the architecture. It is a problem if a required key is absent.
    template <class T>
    std::optional<T> value(std::string_view name, Getter<T> get, bool required = false) {
        if (required && file_->find(key(name)) == nullptr) {
            problem(fmt::format("the required metadata {} is missing", key(name)));
        }
        return any(key(name), get);
    }

    /// Returns a count from 1 to `max`, or `fallback` if the key is absent; 0 after a problem. A
    /// fallback of 0 means that the key is required.
    std::int64_t count(std::string_view name, std::int64_t max, std::int64_t fallback = 0);

    /// Returns a positive finite number; a fallback of 0 means that the key is required.
    double positive(std::string_view name, double fallback = 0);

    /// Reports a key that is present with another value than `neutral`.
    void require_neutral(std::string_view name, double neutral, const char* feature);

  private:
    const GgufFile* file_;
    const Architecture* architecture_;
    std::string prefix_; ///< of the keys of the architecture
    std::vector<std::string>* problems_;
};

} // namespace headroom::model
