#include "model/gguf/problem_list.hpp"

#include <fmt/format.h>

namespace headroom::model {

namespace {

constexpr std::size_t kShown = 10;

} // namespace

void ProblemList::add(const std::string& item) {
    if (count_++ < kShown) {
        text_ += (text_.empty() ? "" : ", ") + item;
    }
}

std::string ProblemList::sentence(const GgufFile& file, std::string_view kind) const {
    const std::string more = count_ > kShown ? fmt::format(" and {} more", count_ - kShown) : "";
    return fmt::format("{}: {}: {}{}", file.path().string(), kind, text_, more);
}

void ProblemList::report(
    const GgufFile& file, std::string_view kind, std::vector<std::string>& problems
) const {
    if (!empty()) {
        problems.push_back(sentence(file, kind));
    }
}

} // namespace headroom::model
