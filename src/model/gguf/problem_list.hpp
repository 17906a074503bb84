// Collects problems of one kind and turns them into one sentence: "FILE: KIND: a, b, c and 7 more".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf/gguf.hpp"

namespace headroom::model {

class ProblemList {
  public:
    void add(const std::string& item);
    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// Returns the sentence. Precondition: the list is not empty.
    [[nodiscard]] std::string sentence(const GgufFile& file, std::string_view kind) const;
    /// Appends the sentence to `problems`, unless the list is empty.
    void report(const GgufFile& file, std::string_view kind, std::vector<std::string>& problems)
        const;

  private:
    std::size_t count_ = 0;
    std::string text_;
};

} // namespace headroom::model
